import Jinja
import OrderedCollections
import PlainData

/// The methods of tables that templates call.
extension AgateTable {
  func method(_ name: String) -> Value? {
    switch name {
    case "print_table":
      return .function(name, ["max_rows?", "max_columns?", "output?", "max_column_width?"]) {
        [self] values, evaluation in
        func bound(_ value: Value?, _ fallback: Int) throws -> Int? {
          guard let value else { return fallback }
          return value.isNone ? nil : try value.requiredInt("bound")
        }
        let text = printed(
          maxRows: try bound(values[0], 20), maxColumns: try bound(values[1], 6),
          maxColumnWidth: try bound(values[3], 20))
        let invocation = try evaluation.dbtScope().invocation
        invocation.log(LogLine(.info, String(text.dropLast()), isBare: true, event: "PrintEvent"))
        return .none
      }
    case "print_csv":
      return .object(
        NativeFunction(name) { [self] _, evaluation in
          let invocation = try evaluation.dbtScope().invocation
          invocation.log(LogLine(.info, String(csvText().dropLast()), isBare: true, event: "PrintEvent"))
          return .none
        })
    case "to_json", "print_json":
      return .object(
        NativeFunction(name) { [self] _, evaluation in
          let text = try plain()?.json(JSONStyle(spaced: true)) ?? "[]"
          let invocation = try evaluation.dbtScope().invocation
          invocation.log(LogLine(.info, text, isBare: true, event: "PrintEvent"))
          return .none
        })
    case "select", "exclude":
      return .function(name, ["key"]) { [self] values, evaluation in
        let named = try names(values[0], evaluation)
        let kept = name == "select" ? named : columnNames.filter { !named.contains($0) }
        return .object(try selecting(kept))
      }
    case "rename": return .function(name, ["column_names?", "row_names?", "slug_columns?", "slug_rows?"], renamed)
    case "limit": return .function(name, ["start_or_stop?", "stop?", "step?"], limited)
    case "where":
      return .function(name, ["test"]) { [self] values, evaluation in
        let test = values[0] ?? .none
        let kept = try rows.filter { row in
          try evaluation.call(test, Arguments([.object(AgateRow(names: columnNames, values: row))])).isTruthy
        }
        return .object(AgateTable(columnNames: columnNames, columnTypes: columnTypes, rows: kept))
      }
    case "order_by": return .function(name, ["key", "reverse?"], ordered)
    case "distinct": return .function(name, ["key?"], distinctRows)
    case "group_by": return .object(NativeFunction(name) { [self] in try grouped($0, $1) })
    case "merge": return .object(NativeFunction(name) { _, _ in throw Self.unsupported(name) })
    default:
      let unsupported = [
        "aggregate", "bins", "compute", "denormalize", "find", "homogenize", "join", "normalize", "pivot",
      ]
      return unsupported.contains(name) ? .object(NativeFunction(name) { _, _ in throw Self.unsupported(name) }) : nil
    }
  }

  private static func unsupported(_ name: String) -> DBTError {
    DBTError(.compilation, "the method '\(name)' of tables is not supported; iterate over the rows instead")
  }

  /// Column names from a name or a sequence of names.
  private func names(_ value: Value?, _ evaluation: Evaluation) throws -> [String] {
    if let name = value?.stringValue { return [name] }
    return try value?.elements(evaluation)?.map(\.text) ?? []
  }

  private func known(_ name: String) throws -> Int {
    guard let position = position(of: name) else { throw JinjaError(.key, "'\(name)'") }
    return position
  }

  /// The table with some columns, in the order given.
  package func selecting(_ names: [String]) throws -> AgateTable {
    let positions = try names.map(known)
    return AgateTable(
      columnNames: names, columnTypes: positions.map { columnTypes[$0] },
      rows: rows.map { row in positions.map { row[$0] } })
  }

  private func renamed(_ values: [Value?], _ evaluation: Evaluation) throws -> Value {
    var names = columnNames
    if let mapping = values[0]?.dictValue {
      names = names.map { mapping[$0]?.text ?? $0 }
    } else if let list = try values[0]?.elements(evaluation) {
      guard list.count == names.count else {
        throw JinjaError(.value, "column_names and column_types must be the same length.")
      }
      names = list.map(\.text)
    }
    return .object(AgateTable(columnNames: names, columnTypes: columnTypes, rows: rows))
  }

  private func limited(_ values: [Value?], _ evaluation: Evaluation) throws -> Value {
    func number(_ value: Value?) throws -> Int? {
      guard let value, !value.isNone else { return nil }
      return try value.requiredInt("limit")
    }
    let first = try number(values[0])
    let second = try number(values[1])
    let range = values[1] == nil ? (0, first ?? rows.count) : (first ?? 0, second ?? rows.count)
    let start = max(0, range.0 < 0 ? range.0 + rows.count : range.0)
    let stop = min(rows.count, range.1 < 0 ? range.1 + rows.count : range.1)
    let step = max(1, try number(values[2]) ?? 1)
    let kept = stride(from: start, to: max(start, stop), by: step).map { rows[$0] }
    return .object(AgateTable(columnNames: columnNames, columnTypes: columnTypes, rows: kept))
  }

  private func ordered(_ values: [Value?], _ evaluation: Evaluation) throws -> Value {
    let keys: [[Value]]
    if let key = values[0], key.kinds.contains(.callable) {
      keys = try rows.map { [try evaluation.call(key, Arguments([.object(AgateRow(names: columnNames, values: $0))]))] }
    } else {
      let positions = try names(values[0], evaluation).map(known)
      keys = rows.map { row in positions.map { row[$0] } }
    }
    var failure: (any Error)?
    let order = rows.indices.sorted { left, right in
      for (a, b) in zip(keys[left], keys[right]) where a != b {
        // Nulls come last.
        if a.isNone || b.isNone { return b.isNone }
        do {
          return try AgateOrder.precedes(a, b)
        } catch {
          failure = error
          return false
        }
      }
      return left < right
    }
    if let failure { throw failure }
    let sorted = order.map { rows[$0] }
    let isReversed = values[1]?.isTruthy ?? false
    return .object(
      AgateTable(columnNames: columnNames, columnTypes: columnTypes, rows: isReversed ? sorted.reversed() : sorted))
  }

  private func distinctRows(_ values: [Value?], _ evaluation: Evaluation) throws -> Value {
    let positions =
      values[0]?.isNone ?? true ? Array(columnNames.indices) : try names(values[0], evaluation).map(known)
    var seen: Set<[Value]> = []
    let kept = rows.filter { row in seen.insert(positions.map { row[$0] }).inserted }
    return .object(AgateTable(columnNames: columnNames, columnTypes: columnTypes, rows: kept))
  }

  /// A dict-like sequence of tables by the values of one column.
  private func grouped(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    guard let key = arguments.positional.first?.stringValue ?? arguments[keyword: "key"]?.stringValue else {
      throw Self.unsupported("group_by with a function")
    }
    let position = try known(key)
    var groups: OrderedDictionary<String, [[Value]]> = [:]
    for row in rows { groups[row[position].text, default: []].append(row) }
    let kept = columnNames.filter { $0 != key }
    let tables = try groups.values.map { rows -> Value in
      .object(try AgateTable(columnNames: columnNames, columnTypes: columnTypes, rows: rows).selecting(kept))
    }
    return .object(AgateSequence("TableSet", tables, keys: Array(groups.keys)))
  }

  /// The table as CSV text with a header.
  package func csvText() -> String {
    func cell(_ value: Value) -> String {
      let text = value.isNone ? "" : (value.objectValue as? DateTimeObject)?.dateTime.isoText() ?? value.text
      guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
      return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
    let lines = [columnNames.map { cell(.string($0)) }] + rows.map { $0.map(cell) }
    return lines.map { $0.joined(separator: ",") + "\n" }.joined()
  }
}

/// Order of values of one column.
enum AgateOrder {
  static func precedes(_ left: Value, _ right: Value) throws -> Bool {
    switch (left, right) {
    case (.string(let a), .string(let b)): return a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
    case (.int(let a), .int(let b)): return a < b
    case (.decimal(let a), .decimal(let b)): return a.compare(b) < 0
    case (.bool(let a), .bool(let b)): return !a && b
    case (.double(let a), .double(let b)): return a < b
    case (.object(let a), _):
      if let order = try a.compare(right) { return order < 0 }
    default: break
    }
    throw JinjaError(.type, "'<' not supported between instances of '\(left.typeName)' and '\(right.typeName)'")
  }
}
