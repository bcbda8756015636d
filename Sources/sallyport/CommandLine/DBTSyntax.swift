/// The grammar of one dbt command.
struct DBTSyntax: Sendable {
  /// A word that is no option.
  struct Positional: Sendable {
    let name: String
    var isRequired = false
  }

  /// The words that name it: `["docs", "generate"]`.
  let words: [String]
  let about: String
  /// Names of its own parameters; the global ones come on top.
  let own: [String]
  var positionals: [Positional] = []
  /// Whether help leaves it out, as it does with aliases.
  var isHidden = false

  /// Names of all parameters, in the order of help.
  var parameters: [String] { DBTParameters.global + own }

  /// The name that flags carry in `which`.
  var which: String {
    switch words[0] {
    case "ls": "list"
    case "source": "freshness"
    case "docs": words[1]
    default: words[0]
    }
  }
}

extension DBTSyntax {
  /// Groups of commands and what they are about.
  static let groups = [
    "docs": "Makes the documentation of a project.", "source": "Looks after a project's sources.",
  ]

  private static let basic = ["profiles_dir", "project_dir", "target_path", "vars"]
  private static let nodes = ["exclude", "select", "selector", "threads"] + basic
  private static let types = ["resource_types", "exclude_resource_types"]

  static let all: [DBTSyntax] = [
    DBTSyntax(
      words: ["build"], about: "Build seeds, models and snapshots and run tests, each as soon as it can.",
      own: nodes + types + [
        "empty", "event_time_start", "event_time_end", "export_saved_queries", "full_refresh", "include_saved_query",
        "sqlparse", "sample", "show", "store_failures",
      ]),
    DBTSyntax(
      words: ["clean"], about: "Remove the folders that the project lists as clean-targets.",
      own: ["clean_project_files_only"] + basic),
    DBTSyntax(
      words: ["clone"], about: "Make the selected nodes point at the relations of --state.",
      own: nodes + types + ["full_refresh"]),
    DBTSyntax(
      words: ["compile"], about: "Render templates, and print those that are selected.",
      own: nodes + [
        "full_refresh", "show_output_format", "introspect", "empty", "inline", "inject_ephemeral_ctes", "sqlparse",
      ]),
    DBTSyntax(
      words: ["debug"], about: "Check the project, the profile and the connection.",
      own: ["connection", "config_dir", "profiles_dir_optional", "project_dir", "vars"]),
    DBTSyntax(
      words: ["deps"], about: "Install the project's packages.",
      own: ["profiles_dir_optional", "project_dir", "vars", "source", "lock", "upgrade", "add_package"]),
    DBTSyntax(
      words: ["docs", "generate"], about: "Write the catalog and the documentation.",
      own: nodes + ["compile", "sqlparse", "empty_catalog", "static"]),
    DBTSyntax(
      words: ["docs", "serve"], about: "Serve the documentation.", own: ["browser", "host", "port"] + basic),
    DBTSyntax(
      words: ["init"], about: "Start a new project.",
      own: ["profiles_dir_optional", "project_dir", "skip_profile_setup", "skip_debug", "vars"],
      positionals: [Positional(name: "project_name")]),
    DBTSyntax(
      words: ["list"], about: "List the resources that are selected.",
      own: ["exclude", "models", "output", "output_keys", "raw_select", "selector"] + basic + types),
    DBTSyntax(
      words: ["ls"], about: "List the resources that are selected.",
      own: ["exclude", "models", "output", "output_keys", "raw_select", "selector"] + basic + types, isHidden: true),
    DBTSyntax(words: ["parse"], about: "Read the whole project and write manifest.json.", own: ["threads"] + basic),
    DBTSyntax(
      words: ["retry"], about: "Run again what failed in the last run.", own: ["threads", "full_refresh"] + basic),
    DBTSyntax(
      words: ["run"], about: "Build models.",
      own: nodes + ["full_refresh", "empty", "event_time_start", "event_time_end", "sqlparse", "sample"]),
    DBTSyntax(
      words: ["run-operation"], about: "Call one macro.", own: ["args", "sql", "threads"] + basic,
      positionals: [Positional(name: "macro")]),
    DBTSyntax(
      words: ["seed"], about: "Load CSV files.", own: nodes + ["empty", "full_refresh", "sqlparse", "show"]),
    DBTSyntax(
      words: ["show"], about: "Run a query and print some of its rows.",
      own: nodes + [
        "full_refresh", "show_output_format", "limit", "introspect", "inline", "inline_direct", "sqlparse",
      ]),
    DBTSyntax(words: ["snapshot"], about: "Take snapshots.", own: nodes + ["empty", "sqlparse"]),
    DBTSyntax(
      words: ["source", "freshness"], about: "Check how old the rows of sources are.",
      own: nodes + ["output_path", "sqlparse"]),
    DBTSyntax(
      words: ["source", "snapshot-freshness"], about: "Check how old the rows of sources are.",
      own: nodes + ["output_path", "sqlparse"], isHidden: true),
    DBTSyntax(words: ["test"], about: "Run tests.", own: nodes + types + ["sqlparse", "store_failures"]),
  ]
}
