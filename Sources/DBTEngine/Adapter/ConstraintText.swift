import DBTContext
import Jinja

/// Constraints of contracts as DDL (PostgreSQL enforces all of them).
enum ConstraintText {
  /// One entry a column: name, type and constraints.
  static func columns(_ raw: Value?) throws -> [String] {
    guard let columns = raw?.dictValue else { return [] }
    return try columns.pairs.compactMap { $0.value.dictValue }.map { column in
      let name = column["name"]?.text ?? ""
      let quoted = column["quote"]?.isTruthy ?? false ? Relation.quoted(name) : name
      var parts = ["\(quoted) \(column["data_type"]?.text ?? "")"]
      for entry in column["constraints"]?.listValue?.items ?? [] {
        if let text = try self.column(fields(entry)) { parts.append(text) }
      }
      return parts.joined(separator: " ")
    }
  }

  /// One entry a constraint of the model.
  static func models(_ raw: Value?) throws -> [String] {
    try (raw?.listValue?.items ?? []).compactMap { try model(fields($0)) }
  }

  private struct Fields {
    let type: String
    let expression: String
    let name: String
    let to: String
    let toColumns: [String]
    let columns: [String]
  }

  private static func fields(_ value: Value) throws -> Fields {
    guard let dict = value.dictValue, let type = dict["type"]?.stringValue else {
      throw DBTError(.validation, "Could not parse constraint: \(value.text)")
    }
    func text(_ name: String) -> String {
      guard let value = dict[name], !value.isNone, !value.isUndefined else { return "" }
      return value.text
    }
    func list(_ name: String) -> [String] { dict[name]?.listValue?.items.map(\.text) ?? [] }
    return Fields(
      type: type, expression: text("expression"), name: text("name"), to: text("to"), toColumns: list("to_columns"),
      columns: list("columns"))
  }

  private static func column(_ constraint: Fields) throws -> String? {
    let expression = constraint.expression
    let text: String? =
      switch constraint.type {
      case "check": expression.isEmpty ? nil : "check (\(expression))"
      case "not_null": "not null \(expression)"
      case "unique": "unique \(expression)"
      case "primary_key": "primary key \(expression)"
      case "foreign_key":
        if !constraint.to.isEmpty, !constraint.toColumns.isEmpty {
          "references \(constraint.to) (\(constraint.toColumns.joined(separator: ", ")))"
        } else {
          expression.isEmpty ? nil : "references \(expression)"
        }
      case "custom": expression.isEmpty ? nil : expression
      default: throw DBTError(.validation, "Could not parse constraint: unknown type '\(constraint.type)'")
      }
    return text.map { Blanks.trimmed($0) }
  }

  private static func model(_ constraint: Fields) throws -> String? {
    let prefix = constraint.name.isEmpty ? "" : "constraint \(constraint.name) "
    let columns = constraint.columns.joined(separator: ", ")
    let expression = constraint.expression
    let spaced = expression.isEmpty ? "" : " \(expression)"
    switch constraint.type {
    case "check": return expression.isEmpty ? nil : "\(prefix)check (\(expression))"
    case "unique": return "\(prefix)unique\(spaced) (\(columns))"
    case "primary_key": return "\(prefix)primary key\(spaced) (\(columns))"
    case "foreign_key":
      if !constraint.to.isEmpty, !constraint.toColumns.isEmpty {
        return "\(prefix)foreign key (\(columns)) references \(constraint.to) "
          + "(\(constraint.toColumns.joined(separator: ", ")))"
      }
      return expression.isEmpty ? nil : "\(prefix)foreign key (\(columns)) references \(expression)"
    case "custom": return expression.isEmpty ? nil : prefix + expression
    case "not_null": return nil
    default: throw DBTError(.validation, "Could not parse constraint: unknown type '\(constraint.type)'")
    }
  }
}
