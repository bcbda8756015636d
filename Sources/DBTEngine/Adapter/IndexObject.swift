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
    guard let columns = dict["columns"]?.listValue?.items, columns.allSatisfy({ $0.stringValue != nil }) else {
      throw DBTError(.compilation, "Could not parse index config: 'columns' is a required property")
    }
    let method = dict["type"]
    return .object(
      IndexObject(
        columns: columns.map(\.text), isUnique: dict["unique"]?.isTruthy ?? false,
        method: method.flatMap { $0.isNone || $0.isUndefined ? nil : $0.text }))
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
