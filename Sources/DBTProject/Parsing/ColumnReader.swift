import OrderedCollections
import PlainData

/// Reads the `columns` of a property file's entry.
struct ColumnReader {
  /// The file, for errors.
  let path: String

  private static let constraintTypes = ["check", "not_null", "unique", "primary_key", "foreign_key", "custom"]
  private static let knownKeys: Set<String> = [
    "name", "description", "meta", "data_type", "constraints", "docs", "config", "data_tests", "tests", "quote", "tags",
    "granularity", "dimension", "entity",
  ]

  /// The columns by name in the form that the manifest keeps.
  ///
  /// - Throws: a parsing error that names the column.
  func columns(_ entries: [PlainValue]) throws(ProjectError) -> PlainObject {
    var columns = PlainObject()
    for entry in entries {
      guard let members = entry.objectValue, let name = members["name"]?.stringValue else { continue }
      columns[name] = .object(try column(members, name: name))
    }
    return columns
  }

  private func column(_ members: PlainObject, name: String) throws(ProjectError) -> PlainObject {
    let config = members["config"]?.objectValue ?? [:]
    var meta = members["meta"]?.objectValue ?? [:]
    meta.merge(config["meta"]?.objectValue ?? [:]) { _, last in last }
    let tags = ColumnReader.tags(members)
    let constraints = try (members["constraints"]?.arrayValue ?? []).map { constraint throws(ProjectError) in
      try ColumnReader.constraint(constraint, of: "column \(name)", path: path)
    }
    let meaning = SemanticColumn(members: members, name: name)
    var column: PlainObject = [
      "name": .string(name), "description": .string(members["description"]?.stringValue ?? ""), "meta": .object(meta),
      "data_type": members["data_type"] ?? .null, "constraints": .array(constraints),
      "quote": members["quote"] ?? .null, "config": ["meta": .object(meta), "tags": .strings(tags)],
      "tags": .strings(tags), "granularity": try meaning.granularity(), "dimension": try meaning.dimension(),
      "entity": try meaning.entity(), "doc_blocks": [],
    ]
    for (key, value) in members where !ColumnReader.knownKeys.contains(key) { column[key] = value }
    return column
  }

  /// The tags of a column and of its `config`, each once.
  static func tags(_ members: PlainObject) -> [String] {
    var tags: [String] = []
    for value in [members["tags"], members["config"]?["tags"]] {
      for tag in value?.arrayValue ?? value.map({ [$0] }) ?? [] {
        if let text = tag.stringValue, !tags.contains(text) { tags.append(text) }
      }
    }
    return tags
  }

  /// A constraint with every key that dbt keeps.
  ///
  /// - Parameter isForModel: model constraints also list `columns`.
  static func constraint(
    _ value: PlainValue, of owner: String, path: String, isForModel: Bool = false
  ) throws(ProjectError) -> PlainValue {
    guard let members = value.objectValue, let type = members["type"]?.stringValue, constraintTypes.contains(type)
    else {
      let message =
        isForModel
        ? "Invalid constraint type on \(owner): Type must be one of \(PlainValue.strings(constraintTypes).pythonText)"
        : "Invalid constraint type on \(owner)"
      throw ProjectError(.parsing, message, path: path)
    }
    var constraint: PlainObject = [
      "type": .string(type), "name": members["name"] ?? .null, "expression": members["expression"] ?? .null,
      "warn_unenforced": members["warn_unenforced"] ?? true, "warn_unsupported": members["warn_unsupported"] ?? true,
      "to": members["to"] ?? .null, "to_columns": members["to_columns"] ?? [],
    ]
    if isForModel { constraint["columns"] = members["columns"] ?? [] }
    return .object(constraint)
  }
}
