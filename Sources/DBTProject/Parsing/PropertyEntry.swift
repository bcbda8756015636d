import OrderedCollections
import PlainData

/// One entry of a property file's list, rendered but for what dbt renders later.
struct PropertyEntry: Sendable {
  /// The list's key, such as `models`.
  let key: String
  let file: SourceFile
  /// Rendered members.
  private(set) var members: PlainObject
  /// `config` as written.
  let unrenderedConfig: PlainObject
  /// Members as written.
  let unrendered: PlainObject

  var name: String { members["name"]?.pythonText ?? "" }
  /// The entry's `config` with the keys that may also stand beside it.
  private(set) var config: PlainObject

  /// Keys that dbt moves into `config`.
  private static let movedKeys = ["meta", "docs", "group", "contract", "access"]

  /// - Throws: a parsing error for texts that cannot be rendered, for members of a wrong shape and for keys given twice.
  init(
    _ entry: PlainObject, key: String, file: SourceFile, renderer: PropertyRenderer
  ) throws(ProjectError) {
    self.key = key
    self.file = file
    unrendered = entry
    unrenderedConfig = entry["config"]?.objectValue ?? [:]
    renderer.path = file.originalFilePath
    do {
      let rendered = try renderer.render(.object(entry)) { PropertyEntry.isRenderedLater($0, key: key) }
      members = rendered.objectValue ?? entry
    } catch {
      // As in dbt, which adds the file to some errors only.
      guard error.kind == .parsing else { throw ProjectError(error.kind, error.message, cause: error) }
      throw ProjectError(
        .parsing,
        "Failed to render \(file.originalFilePath) from project \(file.packageName): \(error.message)",
        path: file.originalFilePath, line: error.line, column: error.column, excerpt: error.excerpt, cause: error)
    }
    config = members["config"]?.objectValue ?? [:]
    if key == "sources" { completeSource() }
    if let shape = Shape.ofEntry(key, members) { try check(shape) }
    if ["models", "seeds", "snapshots", "analyses", "functions", "data_tests"].contains(key) { try moveIntoConfig() }
    if key != "macros", key != "sources" { try renameTests() }
  }

  /// An entry made of members that are rendered already.
  init(_ members: PlainObject, key: String, file: SourceFile) {
    self.key = key
    self.file = file
    self.members = members
    unrendered = members
    config = members["config"]?.objectValue ?? [:]
    unrenderedConfig = config
  }

  /// dbt's complaint about an entry.
  static func invalid(_ key: String, _ file: SourceFile, _ members: PlainObject, _ reason: String) -> ProjectError {
    var members = members
    if described.contains(key) {
      members["original_file_path"] = .string(file.originalFilePath)
      members["yaml_key"] = .string(key)
      members["package_name"] = .string(file.packageName)
    }
    return ProjectError(
      .parsing,
      "Invalid \(key) config given in \(file.originalFilePath) @ \(key): \(PlainValue.object(members).pythonText) - "
        + "\(reason)",
      path: file.originalFilePath)
  }

  /// Keys whose entries describe what stands elsewhere; dbt adds to them where they stand.
  private static let described: Set<String> = [
    "models", "seeds", "snapshots", "analyses", "macros", "functions", "data_tests",
  ]

  /// dbt's complaint about this entry.
  func invalid(_ reason: String) -> ProjectError { PropertyEntry.invalid(key, file, members, reason) }

  /// What dbt does to sources before it looks at them.
  private mutating func completeSource() {
    members = PlainObject(
      uniqueKeysWithValues: members.map { ($0 == "dbname" && members["database"] == nil ? "database" : $0, $1) })
    if let tables = members["tables"]?.arrayValue {
      members["tables"] = .array(tables.map(PropertyEntry.noting))
    } else if members["tables"]?.isNull ?? true {
      members["tables"] = []
    }
    if members["overrides"] != nil { members["path"] = .string(file.originalFilePath) }
  }

  /// A table that says whether it names the field by which it is loaded, be it none.
  private static func noting(_ table: PlainValue) -> PlainValue {
    guard var members = table.objectValue,
      members["loaded_at_field"] != nil || members["config"]?["loaded_at_field"]?.isTruthy ?? false
    else { return table }
    members["loaded_at_field_present"] = true
    return .object(members)
  }

  private mutating func moveIntoConfig() throws(ProjectError) {
    for key in PropertyEntry.movedKeys {
      guard let value = members.removeValue(forKey: key) else { continue }
      guard config[key] == nil else {
        throw ProjectError(
          .parsing,
          "In \(file.originalFilePath): found \(key) dictionary in 'config' dictionary and as top-level key. Remove "
            + "the "
            + "top-level key and define it under 'config' dictionary only.",
          path: file.originalFilePath)
      }
      config[key] = value
    }
  }

  /// `tests` is the older name of `data_tests`.
  private mutating func renameTests() throws(ProjectError) {
    try rename(&members)
    members["columns"] = try renamedColumns(members["columns"])
    guard let versions = members["versions"]?.arrayValue else { return }
    members["versions"] = .array(
      try versions.map { version throws(ProjectError) in
        guard var fields = version.objectValue else { return version }
        try rename(&fields)
        fields["columns"] = try renamedColumns(fields["columns"])
        return .object(fields)
      })
  }

  private func renamedColumns(_ columns: PlainValue?) throws(ProjectError) -> PlainValue? {
    guard let entries = columns?.arrayValue else { return columns }
    return .array(
      try entries.map { entry throws(ProjectError) in
        guard var fields = entry.objectValue else { return entry }
        try rename(&fields)
        return .object(fields)
      })
  }

  private func rename(_ fields: inout PlainObject) throws(ProjectError) {
    guard let tests = fields["tests"], tests.isTruthy else { return }
    if fields["data_tests"] != nil {
      throw invalid("at path []: Invalid test config: cannot have both 'tests' and 'data_tests' defined")
    }
    fields.removeValue(forKey: "tests")
    fields["data_tests"] = tests
  }

  // MARK: What is rendered later

  private static let late: Set<String> = ["tests", "data_tests", "description", "loaded_at_query"]
  private static let lateBelow: Set<String> = ["tests", "data_tests", "description"]
  private static let lists: Set<String> = ["columns", "dimensions", "measures", "entities", "metrics"]

  /// Whether dbt leaves the text at this place as written for now.
  static func isRenderedLater(_ keys: [PathKey], key: String) -> Bool {
    guard let first = keys.first?.name else { return false }
    switch key {
    case "sources":
      if first == "description" || first == "loaded_at_query" { return true }
      if first == "config", keys.count > 1, keys[1].name == "loaded_at_query" { return true }
      return first == "tables" && isLate(Array(keys.dropFirst(2)))
    case "macros":
      return first == "arguments" ? isLate(Array(keys.dropFirst())) : isLate(keys)
    case "metrics": return keys.suffix(2).contains { $0.name == "filter" } || isLate(keys)
    case "saved_queries":
      return first == "query_params" && keys.count > 1 && keys[1].name == "where" || isLate(keys)
    default:
      return first == "metrics" && keys.suffix(2).contains { $0.name == "filter" } || isLate(keys)
    }
  }

  private static func isLate(_ keys: [PathKey]) -> Bool {
    let names = keys.map { $0.name ?? "" }
    guard let first = names.first else { return false }
    if late.contains(first) || names.count == 2 && late.contains(names[1]) { return true }
    if names.count >= 2, first == "config", ["pre_hook", "post_hook", "loaded_at_query"].contains(names[1]) {
      return true
    }
    if names.count == 5, names[4] == "description" { return true }
    if first == "versions" {
      if names.count >= 3, lateBelow.contains(names[2]) { return true }
      if names.count >= 5, names[2] == "columns", lateBelow.contains(names[4]) { return true }
    }
    if first == "derived_semantics", names.count >= 4, ["dimensions", "entities"].contains(names[1]) {
      return lateBelow.contains(names[3])
    }
    return names.count >= 3 && lists.contains(first) && lateBelow.contains(names[2])
  }
}
