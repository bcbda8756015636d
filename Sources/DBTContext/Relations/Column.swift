/// A column of a relation: its name and type, as dbt's `PostgresColumn`.
package struct Column: Sendable, Hashable {
  package var name: String
  package var dtype: String
  /// Declared length of a string type.
  package var charSize: Int?
  package var numericPrecision: Int?
  package var numericScale: Int?

  package init(
    name: String, dtype: String, charSize: Int? = nil, numericPrecision: Int? = nil, numericScale: Int? = nil
  ) {
    self.name = name
    self.dtype = dtype
    self.charSize = charSize
    self.numericPrecision = numericPrecision
    self.numericScale = numericScale
  }

  /// A column of a type given by an alias or by its own name.
  package init(name: String, label: String) { self.init(name: name, dtype: Column.translateType(label)) }

  /// A column whose type is written with its size, such as `numeric(10,2)`.
  ///
  /// - Throws: `DBTError` (runtime) when a size is not a number.
  package init(name: String, description: String) throws(DBTError) {
    guard let open = description.firstIndex(of: "("), let close = description[open...].firstIndex(of: ")"),
      open > description.startIndex, description.index(after: open) < close
    else {
      self.init(name: name, dtype: description)
      return
    }
    let parts = description[description.index(after: open)..<close].split(
      separator: ",", omittingEmptySubsequences: false)
    func number(_ part: Substring) throws(DBTError) -> Int {
      let digits = part.split(separator: " ").joined(separator: " ")
      guard let number = Int(digits) else {
        throw DBTError(
          .runtime, "Could not interpret data_type \"\(description)\": could not convert \"\(part)\" to an integer")
      }
      return number
    }
    let dtype = String(description[..<open])
    switch parts.count {
    case 1: self.init(name: name, dtype: dtype, charSize: try number(parts[0]))
    case 2:
      self.init(name: name, dtype: dtype, numericPrecision: try number(parts[0]), numericScale: try number(parts[1]))
    default: self.init(name: name, dtype: dtype)
    }
  }

  /// The name in double quotes.
  package var quoted: String { Relation.quoted(name) }

  package var isString: Bool { ["text", "character varying", "character", "varchar"].contains(dtype.lowercased()) }

  package var isFloat: Bool {
    ["real", "float4", "float", "double precision", "float8", "double"].contains(dtype.lowercased())
  }

  package var isInteger: Bool {
    [
      "smallint", "integer", "bigint", "smallserial", "serial", "bigserial", "int2", "int4", "int8", "serial2",
      "serial4", "serial8",
    ].contains(dtype.lowercased())
  }

  package var isNumeric: Bool { ["numeric", "decimal"].contains(dtype.lowercased()) }

  package var isNumber: Bool { isInteger || isNumeric || isFloat }

  /// The size of a string type, 256 when it has none.
  ///
  /// - Throws: `DBTError` (runtime) for other types.
  package func stringSize() throws(DBTError) -> Int {
    guard isString else { throw DBTError(.runtime, "Called string_size() on non-string field!") }
    return dtype == "text" ? 256 : charSize ?? 256
  }

  /// The type as DDL needs it, with size or precision.
  package var dataType: String {
    let lowered = dtype.lowercased()
    if lowered == "text" || (lowered == "character varying" && charSize == nil) { return dtype }
    if isString { return Column.stringType(dtype == "text" ? 256 : charSize ?? 256) }
    if isNumeric { return Column.numericType(dtype, precision: numericPrecision, scale: numericScale) }
    return dtype
  }

  /// Whether a string column could be widened to hold what the other one holds.
  package func canExpand(to other: Column) -> Bool {
    guard isString, other.isString, let own = try? stringSize(), let theirs = try? other.stringSize() else {
      return false
    }
    return theirs > own
  }

  package static func stringType(_ size: Int) -> String { "character varying(\(size))" }

  package static func numericType(_ dtype: String, precision: Int?, scale: Int?) -> String {
    guard let precision, let scale else { return dtype }
    return "\(dtype)(\(precision),\(scale))"
  }

  package static func translateType(_ dtype: String) -> String { dtype.uppercased() == "STRING" ? "TEXT" : dtype }
}
