import Jinja

/// What is different between the rows a unit test expects and those it got, laid out as dbt shows it (with the table of
/// daff): a header, changed rows with `→`, new ones with `+++`, missing ones with `---`, and one row of context around each.
struct TableDifference {
  private let columns: [String]
  private let expected: [[Cell]]
  private let actual: [[Cell]]
  private let alignment: RowAlignment
  /// What each pair of the alignment came to.
  private let acts: [Act]

  /// A value in its texts.
  private struct Cell: Equatable {
    /// Python's `str()`; empty for None.
    let text: String
    /// As rows that are new or missing show it.
    let shown: String
    let isNull: Bool

    /// None and the text `None` are alike to daff.
    static func == (left: Cell, right: Cell) -> Bool {
      (left.isNull ? "None" : left.text) == (right.isNull ? "None" : right.text)
    }

    init(_ value: Value) {
      isNull = value.isNone
      text = value.isNone ? "" : value.text
      shown =
        switch value {
        case .none: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .double(let number) where number == number.rounded() && abs(number) < 1e15: String(Int(number))
        case .string, .int, .bigInt, .double: value.text
        default: value.repr
        }
    }

    init(text: String) {
      self.text = text
      shown = text
      isNull = false
    }
  }

  private enum Act {
    case same, changed, added, removed
  }

  /// Compares the rows as sets that may hold equal rows: their order does not count.
  init(columns: [String], expected: [[Value]], actual: [[Value]]) {
    self.columns = columns
    let header = columns.map { Cell(text: $0) }
    let left = [header] + TableDifference.sorted(expected).map { $0.map(Cell.init) }
    let right = [header] + TableDifference.sorted(actual).map { $0.map(Cell.init) }
    self.expected = left
    self.actual = right
    let alignment = RowAlignment(left.map { $0.map(\.text) }, right.map { $0.map(\.text) })
    self.alignment = alignment
    acts = alignment.pairs.map { pair in
      if pair.left < 0 { return .added }
      if pair.right < 0 { return .removed }
      return left[pair.left] == right[pair.right] ? .same : .changed
    }
  }

  /// Whether any row is changed, new or missing.
  var isDifferent: Bool { acts.contains { $0 != .same } }

  /// By all columns in turn, None after everything else.
  private static func sorted(_ rows: [[Value]]) -> [[Value]] {
    let evaluation = Evaluation(globals: DictionaryScope())
    return rows.sorted { left, right in
      for (a, b) in zip(left, right) {
        if a.isNone != b.isNone { return b.isNone }
        if a.isNone { continue }
        let order = (try? evaluation.order(a, b)) ?? nil
        if let order, order != 0 { return order < 0 }
      }
      return false
    }
  }

  // MARK: What is shown

  /// How much a row or column matters.
  private enum Activity: Equatable {
    case none, active, context, gap
  }

  /// Marks the neighbours of what is active: next to it as context, one further as a gap.
  private static func spread(_ active: inout [Activity]) {
    func pass(_ order: [Int]) {
      var distance = Int.max / 2
      for index in order {
        distance += 1
        switch active[index] {
        case .active: distance = 0
        case .none, .gap: active[index] = distance <= 1 ? .context : distance == 2 ? .gap : active[index]
        case .context: break
        }
      }
    }
    pass(Array(active.indices))
    pass(active.indices.reversed())
  }

  private var activeColumns: [Bool] {
    var active = columns.indices.map { alignment.usedColumns.contains($0) ? Activity.active : .none }
    for (pair, act) in zip(alignment.pairs, acts) {
      for column in columns.indices {
        let isActive =
          act == .added || (act == .changed && expected[pair.left][column] != actual[pair.right][column])
        if isActive { active[column] = .active }
      }
    }
    TableDifference.spread(&active)
    return active.map { $0 == .active || $0 == .context }
  }

  // MARK: Text

  /// A cell of the output: the text that counts for widths, and the one that is printed.
  private struct Output {
    let measured: String
    let printed: String

    /// - Parameter isMarked: whether it has a colour on terminals, which keeps blanks at its ends from being quoted.
    init(_ text: String, isMarked: Bool, printed other: String? = nil) {
      measured = TableDifference.quoted(text, isMarked: false)
      printed = TableDifference.quoted(other ?? text, isMarked: isMarked)
    }
  }

  /// The table as dbt prints it without colours, each line ending in a carriage return and a newline.
  func rendered() -> String {
    let lines = table()
    let widths = widths(lines)
    var text = ""
    for line in lines {
      var (at, target) = (0, 0)
      for (column, cell) in line.enumerated() {
        if let widths {
          text += String(repeating: " ", count: max(0, target - at))
          at = max(at, target) + cell.measured.unicodeScalars.count
          target += widths[column]
        }
        if column > 0 { text += "," }
        text += cell.printed
      }
      text += "\r\n"
    }
    return text
  }

  private func table() -> [[Output]] {
    var activity = acts.map { $0 == .same ? Activity.none : .active }
    TableDifference.spread(&activity)
    let active = activeColumns
    var lines = [line("@@", columns.map { Output($0, isMarked: true) }, active)]
    var isGapShown = false
    for (index, pair) in alignment.pairs.enumerated() {
      if pair.right == 0, pair.left <= 0 { continue }
      if activity[index] == .none || (activity[index] == .gap && isGapShown) { continue }
      isGapShown = activity[index] == .gap
      guard !isGapShown else {
        lines.append(line("...", columns.map { _ in Output("...", isMarked: false) }, active))
        continue
      }
      lines.append(line(mark(acts[index]), cells(pair, acts[index]), active))
    }
    return lines
  }

  private func mark(_ act: Act) -> String {
    switch act {
    case .same: ""
    case .changed: "→"
    case .added: "+++"
    case .removed: "---"
    }
  }

  /// A line with its mark in front; columns that do not matter shrink to dots.
  private func line(_ mark: String, _ cells: [Output], _ active: [Bool]) -> [Output] {
    var line = [Output(mark, isMarked: !mark.isEmpty && mark != "...")]
    var wasActive = true
    for (cell, isActive) in zip(cells, active) {
      if isActive { line.append(cell) } else if wasActive { line.append(Output("...", isMarked: false)) }
      wasActive = isActive
    }
    return line
  }

  private func cells(_ pair: RowAlignment.Pair, _ act: Act) -> [Output] {
    columns.indices.map { column in
      switch act {
      case .added, .removed:
        let cell = act == .added ? actual[pair.right][column] : expected[pair.left][column]
        return Output(cell.isNull ? "NULL" : cell.text, isMarked: true, printed: cell.shown)
      case .same, .changed:
        let (before, after) = (expected[pair.left][column], actual[pair.right][column])
        guard act == .changed, before != after else {
          return Output(before.isNull ? "NULL" : before.text, isMarked: false)
        }
        let (old, new) = TableDifference.spaced(Self.named(before), Self.named(after))
        return Output("\(old)→\(new)", isMarked: true)
      }
    }
  }

  /// None as `NULL`; a text that reads so gets an underscore more.
  private static func named(_ cell: Cell) -> String {
    if cell.isNull || cell.text == "None" { return "NULL" }
    return cell.text.drop { $0 == "_" } == "NULL" ? "_" + cell.text : cell.text
  }

  /// Where texts differ in blanks only, the blanks that one of them lacks are made visible.
  private static func spaced(_ old: String, _ new: String) -> (String, String) {
    let first = marked(old, against: new)
    return (first, marked(new, against: first))
  }

  private static func marked(_ text: String, against other: String) -> String {
    guard text != other, text.filter({ $0 != " " }) == other.filter({ $0 != " " }) else { return text }
    var result = ""
    var rest = Array(text.unicodeScalars)[...]
    var reference = Array(other.unicodeScalars)[...]
    while let scalar = rest.first {
      if scalar == reference.first {
        result.unicodeScalars.append(scalar)
        rest.removeFirst()
        reference.removeFirst()
      } else if reference.first == " " {
        reference.removeFirst()
      } else {
        result += "␣"
        rest.removeFirst()
      }
    }
    return result
  }

  /// The text as a cell of a CSV file.
  private static func quoted(_ text: String, isMarked: Bool) -> String {
    let scalars = text.unicodeScalars
    let hasBlankEnd = !isMarked && (scalars.first == " " || scalars.last == " ")
    let special: Set<Unicode.Scalar> = ["\"", "\r", "\n", "\t", ","]
    guard hasBlankEnd || scalars.contains(where: special.contains) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }

  /// The columns' widths: long cells that are rare are let out; nil when the table would be too wide to align.
  private func widths(_ lines: [[Output]]) -> [Int]? {
    guard let header = lines.first else { return nil }
    var total = header.count - 1
    var widths: [Int] = []
    for column in header.indices {
      let lengths = lines.map { $0[column].measured.unicodeScalars.count }
      let mean = Double(lengths.reduce(0, +)) / Double(lengths.count)
      let variance = Double(lengths.reduce(0) { $0 + $1 * $1 }) / Double(lengths.count) - mean * mean
      let usual = Int(mean + max(0, variance).squareRoot() * 2 + 0.5)
      let width = max(lengths.filter { $0 <= usual }.max() ?? 0, lengths[0])
      widths.append(width)
      total += width
    }
    return total > 130 ? nil : widths
  }
}
