import PlainData

/// Every option of dbt 1.12, by name.
enum DBTParameters {
  /// By the name of the flag.
  static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The options that every command takes, before or after its name.
  static let global = [
    "cache_selected_only", "debug", "defer", "defer_state", "fail_fast", "favor_state", "hints_enabled",
    "indirect_selection", "log_cache_events", "log_file_max_bytes", "log_format", "log_format_file", "log_level",
    "log_level_file", "log_path", "macro_debugging", "maximum_seed_size_mib", "partial_parse",
    "partial_parse_file_path", "partial_parse_file_diff", "populate_cache", "print", "printer_width", "profile",
    "quiet", "record_timing_info", "send_anonymous_usage_stats", "single_threaded", "snowflake_projects_otel",
    "show_all_deprecations", "state", "static_parser", "target", "use_colors", "use_colors_file",
    "use_experimental_parser", "use_v2_parser", "v2_parser", "version", "version_check", "warn_error",
    "warn_error_options", "write_json", "use_fast_test_edges", "upload_to_artifacts_ingest_api",
  ]

  private static let formats = ["text", "debug", "json", "default"]
  private static let levels = ["debug", "info", "warn", "error", "none"]
  private static let types = [
    "metric", "semantic_model", "saved_query", "source", "analysis", "function", "model", "test", "unit_test",
    "exposure", "snapshot", "seed", "default", "all",
  ]
  private static let excludableTypes = [
    "metric", "semantic_model", "saved_query", "source", "analysis", "model", "test", "unit_test", "exposure",
    "snapshot", "seed", "function", "default",
  ]

  static let all: [DBTParameter] = logging + building + selecting + places + ofCommands

  private static func toggle(
    _ name: String, short: String? = nil, variable: String? = "", _ standard: Bool = false, _ about: String = ""
  ) -> DBTParameter {
    make(name, short, .toggle, variable, .bool(standard), about)
  }

  private static func flag(
    _ name: String, short: String? = nil, variable: String? = nil, _ standard: PlainValue = false,
    _ about: String = ""
  ) -> DBTParameter {
    make(name, short, .flag, variable, standard, about)
  }

  /// - Parameter variable: an empty text means the name itself in the pattern `DBT_…`.
  private static func make(
    _ name: String, _ short: String?, _ kind: DBTParameter.Kind, _ variable: String?, _ standard: PlainValue = .null,
    _ about: String = ""
  ) -> DBTParameter {
    let long = "--" + String(name.map { $0 == "_" ? "-" : $0 })
    return DBTParameter(
      name: name, spellings: [long] + (short.map { [$0] } ?? []), kind: kind,
      variable: variable.map { $0.isEmpty ? "DBT_\(name.uppercased())" : $0 }, standard: standard, about: about)
  }

  private static let logging = [
    toggle("debug", short: "-d", false, "Print every event, statements included."),
    toggle("quiet", short: "-q", false, "Print errors and what commands are asked for, nothing else."),
    make("log_format", nil, .choice(formats), "", "default", "How lines on the console look."),
    make("log_format_file", nil, .choice(formats), "", "debug", "How lines of the log file look."),
    make("log_level", nil, .choice(levels), "", "info", "The least severity of lines on the console."),
    make("log_level_file", nil, .choice(levels), "", "debug", "The least severity of lines in the log file."),
    make("log_file_max_bytes", nil, .integer, "", 10_485_760),
    make("log_path", nil, .path(exists: false), "", nil, "The folder of the log file."),
    toggle("log_cache_events", false, "Also log what the relation cache does."),
    toggle("print", true, "Write what print() says."),
    make("printer_width", nil, .integer, "", 80, "The width of a line about a node."),
    toggle("use_colors", true, "Colour lines also where standard output is no terminal."),
    toggle("use_colors_file", true, "Accepted; the log file has no colours."),
    toggle("macro_debugging"),
    toggle("show_all_deprecations", variable: nil, false, "Say each deprecation as often as it is met."),
    toggle("show_resource_report"),
    toggle("send_anonymous_usage_stats", true, "Accepted; nothing is ever sent."),
    toggle("hints_enabled", variable: "DBT_ENGINE_HINTS_ENABLED", true, "Accepted; no hints are given."),
    make("record_timing_info", "-r", .path(exists: false), nil),
    toggle("snowflake_projects_otel", variable: "DBT_ENGINE_SNOWFLAKE_PROJECTS_OTEL"),
    toggle("upload_to_artifacts_ingest_api"),
    DBTParameter(
      name: "version", spellings: ["--version", "-V", "-v"], kind: .flag, standard: false,
      about: "Print the version and exit."),
  ]

  private static let building = [
    toggle("cache_selected_only", false, "List only the schemas of what is selected."),
    toggle("populate_cache", true, "List the relations of all schemas before the first node."),
    toggle("fail_fast", short: "-x", false, "Stop at the first failure."),
    flag("full_refresh", short: "-f", variable: "", false, "Rebuild incremental models and seeds from nothing."),
    flag("store_failures", variable: "", false, "Keep the rows that fail tests in tables."),
    toggle("empty", false, "Let refs and sources give no rows."),
    make("event_time_start", nil, .text, "", nil, "The start of the rows that microbatches take, inclusive."),
    make("event_time_end", nil, .text, "", nil, "Their end, exclusive."),
    make("sample", nil, .text, "", nil, "Let refs and sources give the rows of this window of event time."),
    make("threads", nil, .integer, nil, nil, "Nodes that run at the same time."),
    make("vars", nil, .object, nil, [:], "Values for var(): a YAML object."),
    toggle("partial_parse", true, "Reuse what an earlier command parsed."),
    toggle("partial_parse_file_diff", true),
    make("partial_parse_file_path", nil, .path(exists: true), ""),
    toggle("static_parser", true, "Accepted; the static parser is always used."),
    toggle("use_experimental_parser"),
    toggle("use_v2_parser", variable: "DBT_ENGINE_USE_V2_PARSER"),
    make("v2_parser", nil, .text, "DBT_ENGINE_V2_PARSER", "dbt-core-experimental-parser parse"),
    toggle("use_fast_test_edges"),
    toggle("single_threaded"),
    toggle("introspect", true, "Let templates ask the database while compiling."),
    toggle("version_check", true, "Check the project's require-dbt-version."),
    flag("warn_error", variable: "", nil, "Make every warning an error."),
    make(
      "warn_error_options", nil, .object, "", ["error": [], "warn": [], "silence": []],
      "Which warnings are errors: a YAML object of error, warn and silence."),
    toggle("write_json", true, "Write artifacts."),
    make("maximum_seed_size_mib", nil, .integer, "DBT_ENGINE_MAXIMUM_SEED_SIZE_MIB", 1),
    make("sqlparse", nil, .object, "DBT_SQLPARSE", ["MAX_GROUPING_DEPTH": nil, "MAX_GROUPING_TOKENS": nil]),
  ]

  private static let selecting = [
    DBTParameter(
      name: "select", spellings: ["--select", "-s", "--models", "--model", "-m"], kind: .words([]), standard: [],
      about: "What to take, in dbt's selection syntax."),
    DBTParameter(name: "models", spellings: ["--models", "--model", "-m"], kind: .words([]), standard: []),
    DBTParameter(
      name: "raw_select", spellings: ["--select", "-s"], kind: .words([]), standard: [],
      about: "What to take, in dbt's selection syntax."),
    make("exclude", nil, .words([]), nil, [], "What to leave out."),
    make("selector", nil, .text, nil, nil, "A selector of selectors.yml."),
    make(
      "indirect_selection", nil, .choice(["eager", "cautious", "buildable", "empty"]), "", "eager",
      "Which tests come with what is selected."),
    DBTParameter(
      name: "resource_types", spellings: ["--resource-types", "--resource-type"], kind: .words(types),
      variable: "DBT_RESOURCE_TYPES", standard: [], about: "Only resources of these types."),
    DBTParameter(
      name: "exclude_resource_types", spellings: ["--exclude-resource-types", "--exclude-resource-type"],
      kind: .words(excludableTypes), variable: "DBT_EXCLUDE_RESOURCE_TYPES", standard: [],
      about: "No resources of these types."),
    make("state", nil, .path(exists: false), "", nil, "The folder of earlier artifacts to compare with."),
    toggle("defer", false, "Resolve what is not selected to what --state knows."),
    make("defer_state", nil, .path(exists: false), "", nil, "Another folder for --defer alone."),
    toggle("favor_state", false, "With --defer: even when the relation is there."),
    toggle("export_saved_queries"),
    toggle("include_saved_query"),
  ]

  private static let places = [
    make("project_dir", nil, .path(exists: true), "", nil, "The folder with dbt_project.yml."),
    make("profiles_dir", nil, .path(exists: true), "", nil, "The folder with profiles.yml."),
    DBTParameter(
      name: "profiles_dir_optional", spellings: ["--profiles-dir"], kind: .path(exists: false),
      variable: "DBT_PROFILES_DIR", about: "The folder with profiles.yml."),
    make("profile", nil, .text, "", nil, "The profile to use instead of the project's."),
    make("target", "-t", .text, "", nil, "The target of the profile."),
    make("target_path", nil, .path(exists: false), "", nil, "Where artifacts and compiled code go."),
  ]

  private static let ofCommands = [
    make("args", nil, .object, nil, nil, "The macro's arguments: a YAML object."),
    make("sql", nil, .text, nil, nil, "A statement to render and execute instead of a macro."),
    make("inline", nil, .text, nil, nil, "Code to compile instead of a model."),
    make("inline_direct", nil, .text, nil),
    make("limit", nil, .integer, nil, 5, "How many rows to show; -1 shows all."),
    DBTParameter(
      name: "show_output_format", spellings: ["--output"], kind: .choice(["json", "text"]), standard: "text",
      about: "How results are shown."),
    DBTParameter(
      name: "output", spellings: ["--output"], kind: .choice(["json", "name", "path", "selector"]),
      standard: "selector", about: "What is printed of each resource."),
    make("output_keys", nil, .words([]), nil, [], "With --output json: the members to print."),
    DBTParameter(
      name: "output_path", spellings: ["--output", "-o"], kind: .path(exists: false),
      about: "Where the report is written instead of target/sources.json."),
    flag("show", false, "Print some rows of each seed."),
    toggle("inject_ephemeral_ctes", variable: nil, true),
    toggle("compile", variable: nil, true, "Compile before the catalog is made."),
    flag("static", false, "Also write the documentation as one page."),
    flag("empty_catalog", false, "Write a catalog with nothing in it."),
    flag("config_dir", false, "Print the folder that is searched for profiles.yml."),
    flag("connection", false, "Test the connection only."),
    flag("lock", false, "Only write package-lock.yml."),
    flag("upgrade", false, "Take the newest versions that packages allow."),
    make("add_package", nil, .text, nil, nil, "Add a package: name@version."),
    make("source", nil, .choice(["hub", "git", "local"]), nil, "hub", "Where --add-package takes it from."),
    toggle("clean_project_files_only", true, "Remove nothing outside of the project."),
    flag("skip_profile_setup", short: "-s", false, "Ask no questions about the profile."),
    flag("skip_debug", false, "Do not check the connection at the end."),
    toggle("browser", variable: nil, true, "Open a browser."),
    make("host", nil, .text, "", "127.0.0.1", "The address to serve on."),
    make("port", nil, .integer, nil, 8080, "The port to serve on."),
  ]
}
