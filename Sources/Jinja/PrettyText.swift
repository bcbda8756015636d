/// Python's `pprint.pformat` with its usual width of 80: one line when it fits, else one element a line.
struct PrettyText {
  private static let width = 80

  static func text(of value: Value) -> String { write(value, indent: 0, allowance: 0, level: 1) }

  /// `indent` is the column the text starts in, `allowance` what must follow it on its last line.
  private static func write(_ value: Value, indent: Int, allowance: Int, level: Int) -> String {
    let flat = sorted(value, depth: level).repr
    guard PythonString.length(flat) > width - indent - allowance, level < 50 else { return flat }
    let pad = ",\n" + String(repeating: " ", count: indent + 1)
    func items(_ items: [Value], _ closing: Int) -> String {
      items.enumerated().map {
        write($1, indent: indent + 1, allowance: $0 == items.count - 1 ? allowance + closing : 1, level: level + 1)
      }.joined(separator: pad)
    }
    switch value {
    case .list(let list) where !list.items.isEmpty: return "[" + items(list.items, 1) + "]"
    case .tuple(let parts) where !parts.isEmpty:
      return "(" + items(parts, parts.count == 1 ? 2 : 1) + (parts.count == 1 ? ",)" : ")")
    case .dict(let dict) where !dict.isEmpty:
      let pairs = ordered(dict)
      let parts = pairs.enumerated().map { index, pair in
        let key = pair.key.repr
        return key + ": "
          + write(
            pair.value, indent: indent + 1 + PythonString.length(key) + 2,
            allowance: index == pairs.count - 1 ? allowance + 1 : 1, level: level + 1)
      }
      return "{" + parts.joined(separator: pad) + "}"
    case .string(let text): return strings(text, indent: indent, allowance: allowance, isTop: level == 1)
    default: return flat
    }
  }

  /// Long text as several literals, broken at lines and white space.
  private static func strings(_ text: String, indent: Int, allowance: Int, isTop: Bool) -> String {
    let indent = isTop ? indent + 1 : indent
    let allowance = isTop ? allowance + 1 : allowance
    let room = width - indent
    let lines = PythonString.lines(text, keepEnds: true)
    var literals: [String] = []
    for (index, line) in lines.enumerated() {
      let isLast = index == lines.count - 1
      let whole = PythonText.repr(line)
      if PythonString.length(whole) <= (isLast ? room - allowance : room) {
        literals.append(whole)
        continue
      }
      let words = words(line)
      var current = ""
      for (position, word) in words.enumerated() {
        let limit = isLast && position == words.count - 1 ? room - allowance : room
        if PythonString.length(PythonText.repr(current + word)) > limit {
          if !current.isEmpty { literals.append(PythonText.repr(current)) }
          current = word
        } else {
          current += word
        }
      }
      if !current.isEmpty { literals.append(PythonText.repr(current)) }
    }
    guard literals.count > 1 else { return literals.first ?? "''" }
    let joined = literals.joined(separator: "\n" + String(repeating: " ", count: indent))
    return isTop ? "(" + joined + ")" : joined
  }

  /// Words, each with the white space behind it.
  private static func words(_ line: String) -> [String] {
    var words: [String] = []
    var current = String.UnicodeScalarView()
    for scalar in line.unicodeScalars {
      if let last = current.last, last.isPythonSpace, !scalar.isPythonSpace {
        words.append(String(current))
        current = String.UnicodeScalarView()
      }
      current.append(scalar)
    }
    if !current.isEmpty { words.append(String(current)) }
    return words
  }

  /// Pairs by key; keys of different kinds by the names of their classes.
  private static func ordered(_ dict: DictObject) -> [(key: Value, value: Value)] {
    dict.pairs.sorted { precedes($0.key, $1.key) }
  }

  private static func precedes(_ left: Value, _ right: Value) -> Bool {
    if let a = left.stringValue, let b = right.stringValue { return PythonString.compare(a, b) < 0 }
    if let a = left.number, let b = right.number { return (Number.compare(a, b) ?? 0) < 0 }
    if case .tuple(let a) = left, case .tuple(let b) = right {
      for (x, y) in zip(a, b) where x != y { return precedes(x, y) }
      return a.count < b.count
    }
    return PythonString.compare("<class '\(left.typeName)'>", "<class '\(right.typeName)'>") < 0
  }

  /// The value with its dicts in the order they are shown in.
  private static func sorted(_ value: Value, depth: Int) -> Value {
    guard depth < 50 else { return value }
    switch value {
    case .list(let list): return .list(ListObject(list.items.map { sorted($0, depth: depth + 1) }))
    case .tuple(let items): return .tuple(items.map { sorted($0, depth: depth + 1) })
    case .dict(let dict):
      return .dict(DictObject(ordered(dict).map { (key: $0.key, value: sorted($0.value, depth: depth + 1)) }))
    default: return value
    }
  }
}
