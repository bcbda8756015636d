import Jinja

extension AgateTable {
  /// The table of a seed file: header, types inferred for each column, short rows filled with nulls.
  ///
  /// - Parameters:
  ///   - textColumns: columns with a configured type; they are read as text. Names that the file does not have are ignored.
  /// - Throws: `DBTError` (runtime) for malformed files and for rows longer than the header.
  package static func csv(
    _ bytes: [UInt8], textColumns: Set<String> = [], delimiter: String = ",", limits: CSVLimits = CSVLimits()
  ) throws(DBTError) -> AgateTable {
    let rows = try CSVReader.rows(bytes, delimiter: delimiter, limits: limits)
    guard let header = rows.first else { throw DBTError(.runtime, "the CSV file has no header row") }
    let names = distinct(header)
    return try inferred(
      columnNames: names, rows: rows.dropFirst().map { $0.map { .string($0) } },
      textColumns: names.map(textColumns.contains))
  }
}
