package import Jinja
import OrderedCollections
package import PlainData

/// agate's `Table`: the rows of a query or of a seed file, with a type for each column. Immutable; used by one thread.
package final class AgateTable: Object {
  package let columnNames: [String]
  package let columnTypes: [AgateType]
  /// One value for each column in every row: None, bool, int, decimal, double, text, date, time or datetime objects.
  package let rows: [[Value]]
  private let positions: [String: Int]

  /// A table of values that have their types already.
  package init(columnNames: [String], columnTypes: [AgateType], rows: [[Value]]) {
    self.columnNames = columnNames
    self.columnTypes = columnTypes
    self.rows = rows
    positions = Dictionary(
      columnNames.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
  }

  /// A table without rows or columns.
  package static var empty: AgateTable { AgateTable(columnNames: [], columnTypes: [], rows: []) }

  /// The place of a column, from 0.
  package func position(of column: String) -> Int? { positions[column] }

  /// The values of a column, in the order of rows.
  package func values(of position: Int) -> [Value] { rows.map { $0[position] } }

  // MARK: Making

  /// The table of a query's result.
  ///
  /// As dbt does: lists, dicts and tuples become JSON text; a column that holds text stays text; the others get the first
  /// type that fits all their values. Duplicate column names get a number.
  package static func queryResult(columnNames: [String], rows: [[Value]]) throws -> AgateTable {
    var isText = [Bool](repeating: false, count: columnNames.count)
    var cells = rows
    for row in cells.indices {
      for column in cells[row].indices where column < isText.count {
        switch cells[row][column] {
        case .string: isText[column] = true
        case .list, .dict, .tuple:
          cells[row][column] = .string(try PythonJSON.text(cells[row][column]))
          isText[column] = true
        default: break
        }
      }
    }
    return try inferred(columnNames: columnNames, rows: cells, textColumns: isText, keepsBlankText: true)
  }

  /// A table whose column types are the first ones that fit all values of a column.
  ///
  /// - Parameters:
  ///   - textColumns: for each column, whether it is text whatever it holds.
  ///   - keepsBlankText: text columns keep "" and "null" instead of reading them as null.
  /// - Throws: `DBTError` (runtime) when a row has more values than there are columns.
  package static func inferred(
    columnNames: [String], rows: [[Value]], textColumns: [Bool] = [], keepsBlankText: Bool = false
  ) throws(DBTError) -> AgateTable {
    let names = distinct(columnNames)
    for (index, row) in rows.enumerated() where row.count > names.count {
      throw DBTError(
        .runtime, "Row \(index) has \(row.count) values, but Table only has \(names.count) columns.")
    }
    var types: [AgateType] = []
    var columns: [[Value]] = []
    for column in names.indices {
      let isText = column < textColumns.count && textColumns[column]
      let candidates: [AgateType] = isText ? [.text] : AgateType.allCases
      for type in candidates {
        guard let cells = cast(rows, column, type, keepsBlankText) else { continue }
        types.append(type)
        columns.append(cells)
        break
      }
    }
    let cells = rows.indices.map { row in columns.map { $0[row] } }
    return AgateTable(columnNames: names, columnTypes: types, rows: cells)
  }

  private static func cast(_ rows: [[Value]], _ column: Int, _ type: AgateType, _ keepsBlankText: Bool) -> [Value]? {
    var cells: [Value] = []
    cells.reserveCapacity(rows.count)
    for row in rows {
      // Short rows are filled up with nulls.
      guard column < row.count else {
        cells.append(.none)
        continue
      }
      guard let cell = type.cast(row[column], keepsBlankText: keepsBlankText) else { return nil }
      cells.append(cell)
    }
    return cells
  }

  /// Blank names become letters, repeated ones get `_2`, `_3` …
  static func distinct(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.enumerated().map { index, name in
      let base = name.isEmpty ? letterName(index) : name
      var candidate = base
      var number = 2
      while !seen.insert(candidate).inserted {
        candidate = "\(base)_\(number)"
        number += 1
      }
      return candidate
    }
  }

  /// `a` to `z`, then `aa`, `bb` …
  static func letterName(_ index: Int) -> String {
    let letter = Character(Unicode.Scalar(UInt8(0x61 + index % 26)))
    return String(repeating: letter, count: index / 26 + 1)
  }

  // MARK: Facts

  /// The most decimal places that a value of a column needs; agate's `MaxPrecision`.
  package func maxPrecision(of position: Int) -> Int {
    var places = 0
    for case .decimal(let number) in values(of: position) {
      places = max(places, AgateTable.decimalPlaces(number))
    }
    return places
  }

  /// Places after the point without trailing zeros.
  static func decimalPlaces(_ number: PythonDecimal) -> Int {
    guard number.exponent < 0, !number.isZero else { return 0 }
    let digits = number.coefficient.absolute.text
    let zeros = digits.reversed().prefix { $0 == "0" }.count
    return max(0, -number.exponent - zeros)
  }

  // MARK: Object

  package var typeName: String { "Table" }
  package var qualifiedTypeName: String { "agate.table.Table" }
  package var count: Int? { rows.count }
  package var isTruthy: Bool { !rows.isEmpty }
  package var kinds: ValueKinds { .iterable }
  package var text: String {
    AgateTable(
      columnNames: ["column", "data_type"], columnTypes: [.text, .text],
      rows: zip(columnNames, columnTypes).map { [.string($0), .string($1.printedName)] }
    ).printed(maxRows: nil, maxColumns: 6, maxColumnWidth: 20)
  }

  package func iterate(_ evaluation: Evaluation) throws -> [Value]? { rowValues }

  /// The rows as objects.
  var rowValues: [Value] { rows.map { .object(AgateRow(names: columnNames, values: $0)) } }

  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    try AgateSequence("MappedSequence", rowValues).item(key, evaluation)
  }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "rows": return .object(AgateSequence("MappedSequence", rowValues))
    case "columns": return .object(AgateSequence("MappedSequence", columnValues, keys: columnNames))
    case "column_names": return .tuple(columnNames.map { .string($0) })
    case "column_types": return .tuple(columnTypes.map { .object(AgateTypeObject($0)) })
    case "row_names": return Value.none
    default: return method(name)
    }
  }

  private var columnValues: [Value] {
    columnNames.indices.map { position in
      .object(AgateColumn(name: columnNames[position], type: columnTypes[position], values: values(of: position)))
    }
  }

  /// Rows as plain objects, in agate's form for JSON.
  package func plain() throws -> PlainValue? {
    .array(
      try rows.map { row in
        .object(PlainObject(try zip(columnNames, row).map { ($0, try AgateTable.plain($1)) }) { _, last in last })
      })
  }

  static func plain(_ value: Value) throws -> PlainValue {
    switch value {
    case .decimal(let number): .double(number.doubleValue)
    case .none, .bool, .int, .bigInt, .double, .string: try value.plain()
    default: .string((value.objectValue as? DateTimeObject)?.dateTime.isoText() ?? value.text)
    }
  }
}

extension AgateType {
  /// The name of agate's class that stands for the type.
  var printedName: String { self == .isoDateTime ? "DateTime" : rawValue }
}
