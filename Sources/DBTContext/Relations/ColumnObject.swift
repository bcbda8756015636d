package import Jinja
import OrderedCollections
package import PlainData

/// A column in a template.
package final class ColumnObject: Object {
  package let column: Column

  package init(_ column: Column) { self.column = column }

  package var typeName: String { "PostgresColumn" }
  package var qualifiedTypeName: String { "dbt.adapters.postgres.column.PostgresColumn" }
  package var isHashable: Bool { false }
  package var repr: String {
    func number(_ value: Int?) -> String { value.map(String.init) ?? "None" }
    return "PostgresColumn(column=\(Value.string(column.name).repr), dtype=\(Value.string(column.dtype).repr), "
      + "char_size=\(number(column.charSize)), numeric_precision=\(number(column.numericPrecision)), "
      + "numeric_scale=\(number(column.numericScale)))"
  }

  package func isEqual(to other: any Object) -> Bool { (other as? ColumnObject)?.column == column }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    let column = column
    func number(_ value: Int?) -> Value { value.map { .int($0) } ?? .none }
    func test(_ flag: Bool) -> Value { .function(name) { _, _ in .bool(flag) } }
    switch name {
    case "column", "name": return .string(column.name)
    case "quoted": return .string(column.quoted)
    case "dtype": return .string(column.dtype)
    case "data_type", "expanded_data_type": return .string(column.dataType)
    case "char_size": return number(column.charSize)
    case "numeric_precision": return number(column.numericPrecision)
    case "numeric_scale": return number(column.numericScale)
    case "is_string": return test(column.isString)
    case "is_number": return test(column.isNumber)
    case "is_numeric": return test(column.isNumeric)
    case "is_integer": return test(column.isInteger)
    case "is_float": return test(column.isFloat)
    case "string_size": return .function(name) { _, _ in .int(try column.stringSize()) }
    case "can_expand_to":
      return .function(name, ["other_column"]) { values, _ in
        guard let other = (values[0]?.objectValue as? ColumnObject)?.column else {
          throw JinjaError(.type, "can_expand_to() needs a column")
        }
        return .bool(column.canExpand(to: other))
      }
    case "literal":
      return .function(name, ["value"]) { values, _ in .string("\(values[0]?.text ?? "")::\(column.dataType)") }
    default: return ColumnClassObject.classMember(name)
    }
  }

  package func plain() throws -> PlainValue? {
    func number(_ value: Int?) -> PlainValue { value.map { .int($0) } ?? .null }
    return [
      "column": .string(column.name), "dtype": .string(column.dtype), "char_size": number(column.charSize),
      "numeric_precision": number(column.numericPrecision), "numeric_scale": number(column.numericScale),
    ]
  }
}

extension Column {
  /// The column as a template value.
  package var value: Value { .object(ColumnObject(self)) }
}

extension Value {
  /// The column, nil for every other value.
  package var columnValue: Column? { (objectValue as? ColumnObject)?.column }
}

/// `api.Column` and `adapter.Column`: the class of columns.
package final class ColumnClassObject: Object {
  package init() {}

  package var typeName: String { "type" }
  package var repr: String { "<class 'dbt.adapters.postgres.column.PostgresColumn'>" }
  package var kinds: ValueKinds { .callable }

  /// `Column(name, dtype, char_size, numeric_precision, numeric_scale)`.
  package func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    let values = try arguments.bind(
      "PostgresColumn", ["column", "dtype", "char_size?", "numeric_precision?", "numeric_scale?"])
    func number(_ index: Int, _ name: String) throws -> Int? {
      guard let value = values[index], !value.isNone, !value.isUndefined else { return nil }
      if let text = value.stringValue, let number = Int(text) { return number }
      return try value.requiredInt(name)
    }
    return Column(
      name: values[0]?.text ?? "", dtype: values[1]?.text ?? "", charSize: try number(2, "char_size"),
      numericPrecision: try number(3, "numeric_precision"), numericScale: try number(4, "numeric_scale")
    ).value
  }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    ColumnClassObject.classMember(name)
  }

  /// What the class and each column have in common.
  static func classMember(_ name: String) -> Value? {
    switch name {
    case "create":
      .function(name, ["name", "label_or_dtype"]) { values, _ in
        Column(name: values[0]?.text ?? "", label: values[1]?.text ?? "").value
      }
    case "translate_type":
      .function(name, ["dtype"]) { values, _ in .string(Column.translateType(values[0]?.text ?? "")) }
    case "from_description":
      .function(name, ["name", "raw_data_type"]) { values, _ in
        try Column(name: values[0]?.text ?? "", description: values[1]?.text ?? "").value
      }
    case "string_type":
      .function(name, ["size"]) { values, _ in .string("character varying(\(values[0]?.text ?? ""))") }
    case "numeric_type":
      .function(name, ["dtype", "precision", "scale"]) { values, _ in
        let dtype = values[0]?.text ?? ""
        guard let precision = values[1], let scale = values[2], !precision.isNone, !scale.isNone else {
          return .string(dtype)
        }
        return .string("\(dtype)(\(precision.text),\(scale.text))")
      }
    case "TYPE_LABELS": .dict(DictObject(named: ["STRING": .string("TEXT")]))
    default: nil
    }
  }
}

/// `api`: the classes of relations and columns.
package enum APIObject {
  /// The value of `api` with the project's quoting.
  package static func value(quoting: [RelationComponent: Bool]) -> Value {
    .dict(
      DictObject(named: [
        "Relation": .object(RelationClassObject(quoting: quoting)), "Column": .object(ColumnClassObject()),
      ]))
  }
}
