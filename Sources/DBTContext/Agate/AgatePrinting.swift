import Jinja

/// Tables as text with bars and dashes, as agate prints them.
extension AgateTable {
  /// The table as lines that each end in a newline; nil bounds print everything.
  package func printed(maxRows: Int? = 20, maxColumns: Int? = 6, maxColumnWidth: Int? = 20) -> String {
    let rowLimit = max(0, maxRows ?? rows.count)
    let columnLimit = max(0, maxColumns ?? columnNames.count)
    let shownColumns = min(columnLimit, columnNames.count)
    let isCut = columnLimit < columnNames.count
    func fitted(_ text: String) -> String {
      guard let width = maxColumnWidth, text.unicodeScalars.count > width else { return text }
      return String(String.UnicodeScalarView(text.unicodeScalars.prefix(max(0, width - 3)))) + "..."
    }
    let header = columnNames.prefix(shownColumns).map(fitted) + (isCut ? ["..."] : [])
    let shownRows = rows.prefix(rowLimit)
    let formats = (0..<shownColumns).map { numberFormat(of: $0, rows: shownRows) }
    let body = shownRows.map { row in
      (0..<shownColumns).map { fitted(AgateTable.text(row[$0], formats[$0])) } + (isCut ? ["..."] : [])
    }
    let widths = header.indices.map { column in
      ([header[column]] + body.map { $0[column] }).map(\.unicodeScalars.count).max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.enumerated().map { column, text in
        let padding = String(repeating: " ", count: max(0, widths[column] - text.unicodeScalars.count))
        // The cell of dots has the type of the first column left out.
        let isText = column < columnTypes.count && columnTypes[column] == .text
        return isText ? " \(text)\(padding) " : " \(padding)\(text) "
      }
      return "|" + padded.joined(separator: "|") + "|\n"
    }
    let divider = "| " + widths.map { String(repeating: "-", count: $0) }.joined(separator: " | ") + " |\n"
    let dots = rowLimit < rows.count ? line(header.map { _ in "..." }) : ""
    return line(header) + divider + body.map(line).joined() + dots
  }

  private struct NumberFormat {
    var places: Int
    var isCut: Bool
  }

  /// Columns of numbers show as many places as their values need, at most three.
  private func numberFormat(of column: Int, rows: ArraySlice<[Value]>) -> NumberFormat? {
    guard columnTypes[column] == .number else { return nil }
    var places = 0
    for case .decimal(let number) in rows.map({ $0[column] }) {
      places = max(places, AgateTable.decimalPlaces(number))
    }
    return NumberFormat(places: min(places, 3), isCut: places > 3)
  }

  private static func text(_ value: Value, _ format: NumberFormat?) -> String {
    if value.isNone { return "" }
    guard let format, case .decimal(let number) = value else { return value.text }
    let rounded = number.quantized(to: -format.places)
    let digits = rounded.coefficient.absolute.text
    let padded = String(repeating: "0", count: max(0, format.places + 1 - digits.count)) + digits
    var whole = Array(padded.dropLast(format.places))
    var at = whole.count - 3
    while at > 0 {
      whole.insert(",", at: at)
      at -= 3
    }
    let fraction = format.places > 0 ? "." + padded.suffix(format.places) : ""
    let sign = rounded.coefficient.isNegative ? "-" : ""
    return sign + String(whole) + fraction + (format.isCut ? (format.places == 0 ? ".…" : "…") : "")
  }
}
