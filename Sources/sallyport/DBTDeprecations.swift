import DBTEngine
import OrderedCollections
import PlainData
import Secrets

/// What a command line and its environment say in ways that dbt is going to give up.
struct DBTDeprecations {
  /// dbt's event and the description, in the order of dbt.
  private(set) var found: [(event: String, description: String)] = []

  init(words: [String], flags: DBTFlags, environment: ProcessEnvironment) {
    for text in flags.warnings { found.append(("EnvironmentVariableRenamed", text)) }
    if flags.text("selector") != nil, !flags.words("select").isEmpty || !flags.words("exclude").isEmpty {
      found.append(
        (
          "SelectExcludeIgnoredWithSelectorWarning",
          "The --select and --exclude arguments are being ignored for node selection because --selector is provided"
        ))
    }
    if flags.hasProfileFlags {
      found.append(
        (
          "ProjectFlagsMovedDeprecation",
          "User config should be moved from the 'config' key in profiles.yml to the 'flags' key in dbt_project.yml."
        ))
    }
    noteWarnErrorOptions(flags)
    noteVariables(environment)
    for spelling in ["--models", "--model", "-m"] where words.contains(spelling) {
      found.append(
        (
          "ModelParamUsageDeprecation",
          "Usage of `--models`, `--model`, and `-m` is deprecated in favor of `--select` or `-s`."
        ))
    }
  }

  /// `include` and `exclude`, on the command line and in the project.
  private mutating func noteWarnErrorOptions(_ flags: DBTFlags) {
    for options in flags.warnErrorOptions {
      let old = ["include", "exclude"].filter { options[$0] != nil }
      guard !old.isEmpty else { continue }
      let advice = [("include", "error"), ("exclude", "warn")].filter { old.contains($0.0) }
        .map { " Please use `\($0.1)` instead of `\($0.0)`." }
      found.append(
        (
          "WEOIncludeExcludeDeprecation",
          "Found \(old.map { "`\($0)`" }.joined(separator: " and ")) in `warn_error_options` specification."
            + advice.joined()
        ))
    }
  }

  /// Variables that look like dbt's and are none.
  private mutating func noteVariables(_ environment: ProcessEnvironment) {
    let prefix = "DBT_ENGINE"
    let known = Set(DBTParameters.byName.values.flatMap(\.variables)).union(Self.others)
    for name in environment.values.keys.sorted() where name.hasPrefix(prefix) && !known.contains(name) {
      found.append(
        (
          "EnvironmentVariableNamespaceDeprecation",
          "Found custom environment variable `\(name)` in the environment. The prefix `\(prefix)` is reserved for dbt "
            + "engine environment variables. Custom environment variables with the prefix `\(prefix)` may cause "
            + "collisions and runtime errors."
        ))
    }
  }

  /// Variables that dbt knows and no option is for.
  private static let others: Set<String> = Set(
    [
      "ARTIFACT_STATE_PATH", "CLEAN_PROJECT_FILES_ONLY", "DEFER_TO_STATE", "DOWNLOAD_DIR", "EXPORT_SAVED_QUERIES",
      "FAVOR_STATE_MODE", "HOST", "INCLUDE_SAVED_QUERY", "INVOCATION_ENV", "MACRO_DEBUGGING", "NO_PRINT",
      "PACKAGE_HUB_URL", "PP_FILE_DIFF_TEST", "PP_TEST", "RECORDED_FILE_PATH", "SHOW_RESOURCE_REPORT",
      "SNOWFLAKE_PROJECTS_OTEL", "SQLPARSE", "TEST_STATE_MODIFIED", "UPLOAD_TO_ARTIFACTS_INGEST_API",
      "USE_FAST_TEST_EDGES", "USE_V2_PARSER", "V2_PARSER",
    ].map { "DBT_ENGINE_" + $0 })
}
