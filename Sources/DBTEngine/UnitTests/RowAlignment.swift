/// Which rows of two tables with the same columns belong together: the same choice as daff's, whose tables dbt shows.
///
/// Rows are found by the texts of ever more columns: a combination of columns whose key stands once in each table joins two
/// rows. What is left is joined to a neighbour of rows that are joined already when all its chosen columns agree. Row 0 of both
/// tables is the header.
struct RowAlignment {
  /// A row of the left table, of the right one, or of both; −1 where it has no counterpart.
  struct Pair: Equatable {
    let left: Int
    let right: Int
  }

  /// Every row of both tables in the order of showing: the right table's, with left ones that have no counterpart in between.
  let pairs: [Pair]
  /// The columns that joined rows; they are always shown.
  let usedColumns: Set<Int>

  /// - Parameters:
  ///   - left: texts of cells by row, the header first; equally long rows.
  ///   - right: the other table.
  init(_ left: [[String]], _ right: [[String]]) {
    var matcher = Matcher(left, right)
    matcher.joinByKeys()
    matcher.joinNeighbours()
    usedColumns = matcher.usedColumns
    pairs = RowAlignment.ordered(matcher)
  }

  private static func ordered(_ matcher: Matcher) -> [Pair] {
    var counterparts = matcher.rightOfLeft
    if !matcher.left.isEmpty, !matcher.right.isEmpty { counterparts[0] = 0 }
    var leftOfRight = [Int](repeating: -1, count: matcher.right.count)
    for (left, right) in counterparts.enumerated() { if let right { leftOfRight[right] = left } }
    let onRight = leftOfRight.enumerated().map { Pair(left: $0.element, right: $0.offset) }
    let onlyLeft = counterparts.indices.filter { counterparts[$0] == nil }.map { Pair(left: $0, right: -1) }
    var result: [Pair] = []
    var next = onlyLeft[...]
    for pair in onRight {
      while let first = next.first, pair.left > first.left {
        result.append(first)
        next.removeFirst()
      }
      result.append(pair)
    }
    return result + next
  }
}

/// The rows joined so far.
private struct Matcher {
  let left: [[String]]
  let right: [[String]]
  private let columns: [Int]
  private(set) var rightOfLeft: [Int?]
  private(set) var leftOfRight: [Int?]
  private(set) var usedColumns: Set<Int> = []
  private var pendingLeft: Int
  private var pendingRight: Int
  /// The keys over all chosen columns; empty when they were not needed.
  private var wide: (left: [String], right: [String])?

  init(_ left: [[String]], _ right: [[String]]) {
    self.left = left
    self.right = right
    rightOfLeft = Array(repeating: nil, count: left.count)
    leftOfRight = Array(repeating: nil, count: right.count)
    pendingLeft = left.count
    pendingRight = right.count
    columns = Matcher.chosenColumns(left, right)
  }

  /// Columns that take part in keys at most; with more, those with the most different values do, the first of equals.
  private static let columnLimit = 5

  private static func chosenColumns(_ left: [[String]], _ right: [[String]]) -> [Int] {
    let all = Array((left.first ?? []).indices)
    guard all.count > columnLimit else { return all }
    let counts = all.map { column in Set(left.map { $0[column] }).count + Set(right.map { $0[column] }).count }
    let sorted = all.sorted { counts[$0] != counts[$1] ? counts[$0] > counts[$1] : $0 < $1 }
    return Array(sorted.prefix(columnLimit))
  }

  private func keys(_ rows: [[String]], _ chosen: [Int]) -> [String] {
    rows.enumerated().map { number, row in
      var key = number == 0 ? "_" : ""
      for (place, column) in chosen.enumerated() {
        if place > 0 { key += " // " }
        if !["", "null", "undefined"].contains(row[column]) { key += row[column] }
      }
      return key
    }
  }

  private mutating func join(_ a: Int, _ b: Int) {
    rightOfLeft[a] = b
    leftOfRight[b] = a
  }

  mutating func joinByKeys() {
    let combinations = 1 << columns.count
    var isTrusted = false
    for combination in 1..<max(combinations, 1) {
      guard pendingLeft > 0 else { return }
      let isLast = combination == combinations - 1
      let chosen = columns.indices.filter { combination >> $0 & 1 == 1 }.map { columns[$0] }
      usedColumns.formUnion(chosen)
      let (leftKeys, rightKeys) = (keys(left, chosen), keys(right, chosen))
      if isLast { wide = (leftKeys, rightKeys) }
      let places = (
        Dictionary(grouping: left.indices) { leftKeys[$0] }, Dictionary(grouping: right.indices) { rightKeys[$0] }
      )
      let most = max(places.0.values.map(\.count).max() ?? 0, places.1.values.map(\.count).max() ?? 0)
      // A key that many rows share says little.
      let share = Double(most) / Double(max(left.count, right.count, 1) + 20)
      if share >= 0.1, isTrusted || !isLast { continue }
      isTrusted = true
      for row in left.indices where rightOfLeft[row] == nil {
        guard !leftKeys[row].isEmpty, places.0[leftKeys[row]]?.count == 1, let found = places.1[leftKeys[row]],
          found.count == 1, leftOfRight[found[0]] == nil
        else { continue }
        join(row, found[0])
        pendingLeft -= 1
        pendingRight -= 1
      }
    }
  }

  mutating func joinNeighbours() {
    guard let wide else { return }
    for isForward in [true, false] where pendingLeft > 0 {
      walk(left.count, right.count, isForward, \.rightOfLeft, wide.left, wide.right, isMirrored: false)
    }
    for isForward in [true, false] where pendingRight > 0 {
      walk(right.count, left.count, isForward, \.leftOfRight, wide.right, wide.left, isMirrored: true)
    }
  }

  /// Goes over the rows of one table, keeping a place in the other behind the last joined row.
  private mutating func walk(
    _ count: Int, _ others: Int, _ isForward: Bool, _ joined: KeyPath<Matcher, [Int?]>, _ keys: [String],
    _ otherKeys: [String], isMirrored: Bool
  ) {
    let step = isForward ? 1 : -1
    var place: Int? = isForward || others == 0 ? nil : others - 1
    for number in 0..<count {
      let row = isForward ? number : count - 1 - number
      if let known = self[keyPath: joined][row] {
        place = known + step
        guard (0..<others).contains(known + step) else { return }
        continue
      }
      guard let other = place, keys[row] == otherKeys[other],
        (isMirrored ? rightOfLeft[other] : leftOfRight[other]) == nil
      else { continue }
      if isMirrored { join(other, row) } else { join(row, other) }
      if isMirrored { pendingRight -= 1 } else { pendingLeft -= 1 }
      place = other + step
      guard (0..<others).contains(other + step), (isMirrored ? pendingRight : pendingLeft) > 0 else { return }
    }
  }
}
