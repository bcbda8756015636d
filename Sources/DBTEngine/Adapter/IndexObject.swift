import DBTContext
import Jinja

/// An entry of a model's `indexes` configuration.
final class IndexObject: Object {
  let columns: [String]
  let isUnique: Bool
  let method: String?

  init(columns: [String], isUnique: Bool, method: String?) {
    self.columns = columns
    self.isUnique = isUnique
    self.method = method
  }

  /// Reads an entry; None for None.
  ///
  /// - Throws: a compilation error for what is no dict with `columns`.
  static func parse(_ raw: Value?) throws -> Value {
    guard let raw, !raw.isNone, !raw.isUndefined else { return .none }
    guard let dict = raw.dictValue else {
      throw DBTError(
        .compilation,
        "Invalid index config:\n  Got: \(raw.text)\n  Expected a dictionary with at minimum a \"columns\" key")
    }
    guard let given = dict["columns"] else { throw fault([], "'columns' is a required property") }
    guard let columns = given.listValue?.items else {
      throw fault(["'columns'"], "\(given.repr) is not of type 'array'")
    }
    for (index, column) in columns.enumerated() where column.stringValue == nil {
      throw fault(["'columns'", String(index)], "\(column.repr) is not of type 'string'")
    }
    if let unique = dict["unique"], !unique.isUndefined, unique.boolValue == nil {
      throw fault(["'unique'"], "\(unique.repr) is not of type 'boolean'")
    }
    let method = dict["type"]
    if let method, !method.isNone, !method.isUndefined, method.stringValue == nil {
      throw fault(["'type'"], "\(method.repr) is not valid under any of the given schemas")
    }
    return .object(
      IndexObject(
        columns: columns.map(\.text), isUnique: dict["unique"]?.isTruthy ?? false,
        method: method.flatMap { $0.isNone || $0.isUndefined ? nil : $0.text }))
  }

  private static func fault(_ path: [String], _ message: String) -> DBTError {
    DBTError(
      .compilation, "Could not parse index config: at path [\(path.joined(separator: "]["))]: \(message)")
  }

  var typeName: String { "PostgresIndexConfig" }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "columns": .list(columns.map { .string($0) })
    case "unique": .bool(isUnique)
    case "type": method.map { .string($0) } ?? Value.none
    case "render":
      .function(name, ["relation"]) { [self] values, _ in
        .string(indexName(values[0]?.relationValue?.render() ?? values[0]?.text ?? ""))
      }
    default: nil
    }
  }

  /// The index's name: a hash of what it indexes and of the time, since the old table's index still has the old name while
  /// the new table is built.
  private func indexName(_ relation: String) -> String {
    let time = String(UTCTime.now.iso.dropLast())
    let parts = columns + [relation, isUnique ? "True" : "False", method ?? "None", time]
    return MD5.hex(parts.joined(separator: "_"))
  }
}
