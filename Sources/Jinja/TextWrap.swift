/// Python's `textwrap.wrap` of one line, as the `wordwrap` filter calls it.
struct TextWrap {
  let width: Int
  let breaksWords: Bool
  let breaksHyphens: Bool

  func wrap(_ line: String) throws -> [String] {
    guard width > 0 else { throw JinjaError(.value, "invalid width \(width) (must be > 0)") }
    var chunks = Array(self.chunks(line).reversed())
    var lines: [String] = []
    while !chunks.isEmpty {
      var current: [[Unicode.Scalar]] = []
      var length = 0
      if let first = chunks.last, !lines.isEmpty, first.allSatisfy(\.isPythonSpace) { chunks.removeLast() }
      while let next = chunks.last, length + next.count <= width {
        current.append(next)
        length += next.count
        chunks.removeLast()
      }
      if let next = chunks.last, next.count > width { breakLong(&chunks, &current, length) }
      if let last = current.last, last.allSatisfy(\.isPythonSpace) { current.removeLast() }
      if !current.isEmpty { lines.append(PythonString.text(current.joined())) }
    }
    return lines
  }

  private func breakLong(_ chunks: inout [[Unicode.Scalar]], _ current: inout [[Unicode.Scalar]], _ length: Int) {
    guard let word = chunks.popLast() else { return }
    let room = max(1, width - length)
    if breaksWords {
      var end = room
      if breaksHyphens, word.count > room, let hyphen = word[..<room].lastIndex(of: "-"), hyphen > 0,
        word[..<hyphen].contains(where: { $0 != "-" })
      {
        end = hyphen + 1
      }
      current.append(Array(word.prefix(end)))
      if word.count > end { chunks.append(Array(word.dropFirst(end))) }
    } else if current.isEmpty {
      current.append(word)
    } else {
      chunks.append(word)
    }
  }

  /// Words, runs of white space, and the parts of hyphenated words.
  private func chunks(_ line: String) -> [[Unicode.Scalar]] {
    var chunks: [[Unicode.Scalar]] = []
    var current: [Unicode.Scalar] = []
    let scalars = Array(line.unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
      if let last = current.last, last.isPythonSpace != scalar.isPythonSpace {
        chunks.append(current)
        current = []
      }
      current.append(scalar)
      // A break after a hyphen between letters.
      if breaksHyphens, scalar == "-", current.count > 2, index + 2 < scalars.count, scalars[index - 1].isPythonAlpha,
        scalars[index - 2].isPythonAlpha, scalars[index + 1].isPythonAlpha, scalars[index + 2].isPythonAlpha
      {
        chunks.append(current)
        current = []
      }
    }
    if !current.isEmpty { chunks.append(current) }
    return chunks
  }
}

/// Python's `pprint.pformat` with its usual width of 80: one line when it fits, else one element a line.
enum PrettyText {
  static func text(of value: Value) -> String { write(value, indent: 0, room: 80, depth: 0) }

  private static func write(_ value: Value, indent: Int, room: Int, depth: Int) -> String {
    let flat = sorted(value, depth: depth).repr
    guard PythonString.length(flat) > room - indent, depth < 50 else { return flat }
    let pad = ",\n" + String(repeating: " ", count: indent + 1)
    func items(_ items: [Value], _ closing: Int) -> String {
      items.enumerated().map {
        write($1, indent: indent + 1, room: room - ($0 == items.count - 1 ? closing : 1), depth: depth + 1)
      }.joined(separator: pad)
    }
    switch value {
    case .list(let list): return "[" + items(list.items, 1) + "]"
    case .tuple(let parts): return "(" + items(parts, 1) + (parts.count == 1 ? ",)" : ")")
    case .dict(let dict):
      let parts = ordered(dict).enumerated().map { index, pair in
        let key = pair.key.repr
        let closing = index == dict.count - 1 ? 1 : 1
        return key + ": "
          + write(
            pair.value, indent: indent + 1 + PythonString.length(key) + 2, room: room - closing, depth: depth + 1)
      }
      return "{" + parts.joined(separator: pad) + "}"
    default: return flat
    }
  }

  /// Pairs by key where keys can be ordered.
  private static func ordered(_ dict: DictObject) -> [(key: Value, value: Value)] {
    let pairs = dict.pairs
    guard pairs.allSatisfy({ $0.key.stringValue != nil }) else { return pairs }
    return pairs.sorted { PythonString.compare($0.key.text, $1.key.text) < 0 }
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
