import DBTContext
import DBTEngine
import Glibc
import OrderedCollections
import PlainData
import Secrets
import YAMLDocument

/// The flags of one command: what the command line says, else the environment, else the project's `flags:`, else dbt's own.
struct DBTFlags: Sendable {
  let syntax: DBTSyntax
  let positionals: [String]
  /// Every flag of the command by its lower-case name.
  private(set) var values: PlainObject = [:]
  /// Names of flags that something set, be it the project.
  private(set) var explicit: Set<String> = []
  /// Flags that the project only may set, behaviour-change flags among them.
  private(set) var ofProject: PlainObject = [:]
  /// Whether flags stand in `profiles.yml`, which dbt is going to give up.
  private(set) var hasProfileFlags = false
  /// Warnings about how flags were set, to be said once the console stands.
  private(set) var warnings: [String] = []
  /// The values of `warn_error_options` that were given, be they used or not: on the command line and by the project.
  private(set) var warnErrorOptions: [PlainObject] = []

  /// - Throws: `DBTUsageError` for a variable that cannot be read; a usage `EngineError` for flags that exclude each other.
  init(_ arguments: DBTArguments, environment: ProcessEnvironment) throws {
    syntax = arguments.syntax
    positionals = arguments.positionals
    var names = arguments.syntax.parameters
    names.append("show_resource_report")
    for name in names where name != "version" {
      guard let parameter = DBTParameters.byName[name] else { continue }
      let shown = Self.shown(name)
      if let value = arguments.given[name] {
        set(shown, value)
      } else if let value = try Self.variable(parameter, environment, syntax) {
        set(shown, value)
      } else if values[shown] == nil {
        values[shown] = parameter.standard
      }
    }
    if syntax.own.contains("raw_select") {
      // For `list`, `--models` means models only.
      values["select"] = arguments.given["raw_select"] ?? []
    }
    try renamed(environment)
    if explicit.contains("warn_error_options") { warnErrorOptions.append(object("warn_error_options")) }
    try readProject(environment)
    follow("log_format", "log_format_file")
    follow("log_level", "log_level_file")
    follow("use_colors", "use_colors_file")
    values["which"] = .string(syntax.which)
    try check()
    try checkWarningNames()
  }

  /// The name under which flags know a parameter: three of them have another one where two commands differ.
  private static func shown(_ name: String) -> String {
    switch name {
    case "raw_select": "select"
    case "show_output_format", "output_path": "output"
    case "profiles_dir_optional": "profiles_dir"
    default: name
    }
  }

  private static func variable(
    _ parameter: DBTParameter, _ environment: ProcessEnvironment, _ syntax: DBTSyntax
  ) throws(DBTUsageError) -> PlainValue? {
    for name in parameter.variables {
      guard let text = environment.values[name], !text.isEmpty else { continue }
      do throws(DBTValueError) {
        return try DBTValue.readVariable(text, for: parameter)
      } catch {
        let positionals = syntax.positionals.map { "[\($0.name.uppercased())]" }
        throw DBTUsageError(
          program: "dbt \(syntax.words.joined(separator: " "))",
          pattern: (["[OPTIONS]"] + positionals).joined(separator: " "),
          message: "Invalid value for \(parameter.hint): \(error.message)")
      }
    }
    return nil
  }

  /// Whether the command line or the environment said something about a flag.
  func wasGiven(_ name: String) -> Bool { explicit.contains(name) }

  private mutating func set(_ name: String, _ value: PlainValue) {
    values[name] = value
    explicit.insert(name)
  }

  /// Variables under names that dbt has given up; they count more than the new ones.
  private mutating func renamed(_ environment: ProcessEnvironment) throws {
    let names = [
      ("DBT_DEFER_TO_STATE", "defer", "DBT_ENGINE_DEFER"),
      ("DBT_FAVOR_STATE_MODE", "favor_state", "DBT_ENGINE_FAVOR_STATE"),
      ("DBT_NO_PRINT", "print", "DBT_ENGINE_PRINT"), ("DBT_ARTIFACT_STATE_PATH", "state", "DBT_ENGINE_STATE"),
    ]
    for (old, name, new) in names {
      guard let text = environment.values[old], !text.isEmpty, let parameter = DBTParameters.byName[name],
        let value = try? DBTValue.read(text, for: parameter)
      else { continue }
      set(name, name == "print" ? .bool(!(value.boolValue ?? false)) : value)
      warnings.append(
        "The environment variable `\(old)` has been renamed as `\(new)`. If `\(old)` is currently set, its value will "
          + "be used instead of `\(new)`. Set `\(new)` and unset `\(old)` to avoid this deprecation warning and ensure "
          + "it works properly in a future release.")
    }
  }

  /// When only the leader was set, the follower takes its value.
  private mutating func follow(_ leader: String, _ follower: String) {
    if explicit.contains(leader), !explicit.contains(follower) { values[follower] = values[leader] }
  }

  private func check() throws(EngineError) {
    for pair in [["warn_error", "warn_error_options"], ["select", "inline"], ["selector", "inline"]] {
      let found = pair.filter { explicit.contains($0) }
      guard found.count < 2 else {
        throw EngineError(.usage, "\(found[1]): not allowed with argument \(found[0])")
      }
    }
  }

  /// - Throws: for a name that is none of dbt's events, which would never take effect.
  private func checkWarningNames() throws(EngineError) {
    if let fault = DBTWarningNames.fault(in: object("warn_error_options")) { throw EngineError(.usage, fault) }
  }

  // MARK: The project

  /// The folder of the project: the option, or the nearest one at or above the working folder with a `dbt_project.yml`.
  var projectFolder: String {
    if let folder = values["project_dir"]?.stringValue { return Paths.absolute(folder) }
    let current = Paths.working
    var folder = current
    while true {
      if unsafe access(folder + "/dbt_project.yml", F_OK) == 0 { return folder }
      guard let slash = folder.lastIndex(of: "/"), folder != "/" else { return current }
      folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
      if folder == "/" { return unsafe access("/dbt_project.yml", F_OK) == 0 ? "/" : current }
    }
  }

  /// The folder of `profiles.yml`: the flag, else the working folder when it has one, else `~/.dbt`.
  func profilesFolder(_ environment: ProcessEnvironment) -> String {
    if let folder = text("profiles_dir") { return Paths.absolute(folder) }
    let working = Paths.working
    if unsafe access(working + "/profiles.yml", F_OK) == 0 { return working }
    return (environment.values["HOME"] ?? "") + "/.dbt"
  }

  /// A mapping in a file; empty when the file cannot be read: that is complained of when it is loaded.
  private static func mapping(_ key: String, of path: String) -> PlainObject {
    guard let bytes = try? MountedFile.read(path, limit: projectLimit),
      let document = try? YAMLDocument.parse(bytes, path: path)
    else { return [:] }
    return document[key]?.objectValue ?? [:]
  }

  /// Takes the flags that the project sets, or in its stead the file of profiles, and nothing else did.
  ///
  /// - Throws: when both files set some.
  private mutating func readProject(_ environment: ProcessEnvironment) throws(EngineError) {
    let ofProfiles = Self.mapping("config", of: profilesFolder(environment) + "/profiles.yml")
    var flags = Self.mapping("flags", of: "\(projectFolder)/dbt_project.yml")
    guard flags.isEmpty || ofProfiles.isEmpty else {
      throw EngineError(
        .runtime,
        "Do not specify both 'config' in profiles.yml and 'flags' in dbt_project.yml. Using 'config' in profiles.yml is "
          + "deprecated.")
    }
    hasProfileFlags = !ofProfiles.isEmpty
    if hasProfileFlags { flags = ofProfiles }
    flags = ProjectFlags.accepted(flags)
    if let options = flags["warn_error_options"]?.objectValue {
      for (old, new) in [("include", "error"), ("exclude", "warn")]
      where Self.saysSomething(options[old]) && Self.saysSomething(options[new]) {
        throw EngineError(.runtime, "Only `\(old)` or `\(new)` can be specified in `warn_error_options`, not both")
      }
      warnErrorOptions.append(options)
    }
    for (name, value) in flags where !value.isNull {
      if Self.settableByProject.contains(name) {
        if !explicit.contains(name), values[name] != nil { set(name, value) }
      } else if DBTParameters.byName[name] == nil {
        ofProject[name] = value
      }
    }
  }

  private static func saysSomething(_ value: PlainValue?) -> Bool {
    guard let value else { return false }
    return !value.isNull && value.stringValue != "" && value.arrayValue?.isEmpty != true
  }

  /// The bytes that `dbt_project.yml` may have.
  private static let projectLimit = 4 << 20

  /// Flags with an option that the project may set too.
  private static let settableByProject: Set<String> = [
    "cache_selected_only", "debug", "fail_fast", "hints_enabled", "indirect_selection", "log_format",
    "log_format_file", "log_level", "log_level_file", "maximum_seed_size_mib", "partial_parse", "populate_cache",
    "printer_width", "send_anonymous_usage_stats", "snowflake_projects_otel", "static_parser", "use_colors",
    "use_colors_file", "use_experimental_parser", "use_v2_parser", "v2_parser", "version_check", "warn_error",
    "warn_error_options", "write_json",
  ]

  // MARK: Reading

  func text(_ name: String) -> String? { values[name]?.stringValue }
  func isOn(_ name: String) -> Bool { values[name]?.boolValue ?? false }
  func number(_ name: String) -> Int? { values[name]?.intValue }
  func words(_ name: String) -> [String] { (values[name]?.arrayValue ?? []).compactMap(\.stringValue) }
  func object(_ name: String) -> PlainObject { values[name]?.objectValue ?? [:] }

  /// The folder of the log file, absolute.
  var logFolder: String {
    guard let folder = text("log_path") else { return projectFolder + "/logs" }
    return folder.hasPrefix("/") ? folder : "\(Paths.working)/\(folder)"
  }
}

/// Paths against the working folder.
enum Paths {
  /// The working folder, without links.
  static var working: String { resolved(".") ?? "." }

  /// The path without links; of one that does not exist, the path in the working folder.
  static func absolute(_ path: String) -> String {
    resolved(path) ?? (path.hasPrefix("/") ? path : "\(working)/\(path)")
  }

  /// The path without `.` and `..`, as text.
  static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in absolute(path).split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// The path without links; nil when it does not exist.
  static func resolved(_ path: String) -> String? {
    guard let found = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(found) }
    return unsafe String(cString: found)
  }
}
