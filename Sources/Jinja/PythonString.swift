/// Python's string operations: characters are code points, comparison is by code point.
enum PythonString {
  static func isASCII(_ text: String) -> Bool { text.utf8.allSatisfy { $0 < 0x80 } }

  /// Python's `len()`.
  static func length(_ text: String) -> Int { text.unicodeScalars.count }

  static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  /// The character at an index, negative ones from the end.
  static func character(_ text: String, _ index: Int) -> String? {
    if isASCII(text) {
      let count = text.utf8.count
      let position = index < 0 ? index + count : index
      guard position >= 0, position < count else { return nil }
      let byte = text.utf8[text.utf8.index(text.utf8.startIndex, offsetBy: position)]
      return String(decoding: CollectionOfOne(byte), as: UTF8.self)
    }
    let scalars = Array(text.unicodeScalars)
    let position = index < 0 ? index + scalars.count : index
    return scalars.indices.contains(position) ? String(scalars[position]) : nil
  }

  static func compare(_ left: String, _ right: String) -> Int {
    if Value.same(left, right) { return 0 }
    return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
  }

  // MARK: Search, on UTF-8 bytes

  /// The byte offset of the first occurrence at or after an offset.
  static func find(_ part: [UInt8], in bytes: [UInt8], from start: Int = 0) -> Int? {
    guard let first = part.first else { return start <= bytes.count ? start : nil }
    guard bytes.count >= part.count else { return nil }
    var cursor = start
    let last = bytes.count - part.count
    while cursor <= last {
      if bytes[cursor] == first, bytes[cursor..<(cursor + part.count)].elementsEqual(part) { return cursor }
      cursor += 1
    }
    return nil
  }

  static func find(_ part: String, in text: String) -> Int? { find(Array(part.utf8), in: Array(text.utf8)) }

  static func hasPrefix(_ text: String, _ prefix: String) -> Bool { text.utf8.starts(with: prefix.utf8) }

  static func hasSuffix(_ text: String, _ suffix: String) -> Bool {
    text.utf8.reversed().starts(with: suffix.utf8.reversed())
  }

  /// Python's `replace`; a negative count replaces all.
  static func replace(_ text: String, _ old: String, _ new: String, _ count: Int, _ evaluation: Evaluation) throws
    -> String
  {
    var left = count < 0 ? Int.max : count
    let replacement = Array(new.utf8)
    if old.utf8.isEmpty {
      // Known beforehand: refused before it is made.
      let times = min(left, text.unicodeScalars.count + 1)
      let (added, isTooLong) = times.multipliedReportingOverflow(by: replacement.count)
      try evaluation.charge(bytes: isTooLong ? Int.max / 2 : min(Int.max / 2, added) + text.utf8.count)
      var result = String.UnicodeScalarView()
      for scalar in text.unicodeScalars {
        if left > 0 {
          result.append(contentsOf: new.unicodeScalars)
          left -= 1
        }
        result.append(scalar)
      }
      if left > 0 { result.append(contentsOf: new.unicodeScalars) }
      return String(result)
    }
    let bytes = Array(text.utf8)
    let part = Array(old.utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var cursor = 0
    while left > 0, let found = find(part, in: bytes, from: cursor) {
      result += bytes[cursor..<found]
      result += replacement
      cursor = found + part.count
      left -= 1
      if result.count > evaluation.limits.outputBytes { try evaluation.charge(bytes: result.count) }
    }
    if cursor == 0 { return text }
    result += bytes[cursor...]
    try evaluation.charge(bytes: result.count)
    return String(decoding: result, as: UTF8.self)
  }

  /// Pieces between separators, at most `limit` cuts from the left (negative: no limit).
  static func split(_ text: String, _ separator: String, limit: Int) -> [String] {
    let bytes = Array(text.utf8)
    let part = Array(separator.utf8)
    var pieces: [String] = []
    var cursor = 0
    while limit < 0 || pieces.count < limit, let found = find(part, in: bytes, from: cursor) {
      pieces.append(String(decoding: bytes[cursor..<found], as: UTF8.self))
      cursor = found + part.count
    }
    pieces.append(String(decoding: bytes[cursor...], as: UTF8.self))
    return pieces
  }

  static func splitFromRight(_ text: String, _ separator: String, limit: Int) -> [String] {
    let all = split(reversed(text), reversed(separator), limit: limit)
    return all.reversed().map(reversed)
  }

  private static func reversed(_ text: String) -> String { self.text(text.unicodeScalars.reversed()) }

  /// Pieces between runs of white space.
  static func words(_ text: String, limit: Int) -> [String] {
    var pieces: [String] = []
    var rest = text.unicodeScalars[...]
    while true {
      rest = rest.drop(while: \.isPythonSpace)
      if rest.isEmpty { return pieces }
      if limit >= 0, pieces.count >= limit {
        pieces.append(String(rest))
        return pieces
      }
      let end = rest.firstIndex(where: \.isPythonSpace) ?? rest.endIndex
      pieces.append(String(rest[..<end]))
      rest = rest[end...]
    }
  }

  static func wordsFromRight(_ text: String, limit: Int) -> [String] {
    words(reversed(text), limit: limit).reversed().map(reversed)
  }

  /// Python's `splitlines`.
  static func lines(_ text: String, keepEnds: Bool) -> [String] {
    var lines: [String] = []
    var current = String.UnicodeScalarView()
    let scalars = Array(text.unicodeScalars)
    var index = 0
    while index < scalars.count {
      let scalar = scalars[index]
      index += 1
      guard isLineBreak(scalar) else {
        current.append(scalar)
        continue
      }
      if keepEnds { current.append(scalar) }
      if scalar == "\r", index < scalars.count, scalars[index] == "\n" {
        if keepEnds { current.append("\n") }
        index += 1
      }
      lines.append(String(current))
      current = String.UnicodeScalarView()
    }
    if !current.isEmpty { lines.append(String(current)) }
    return lines
  }

  private static func isLineBreak(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0a...0x0d, 0x1c...0x1e, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  // MARK: Trimming

  private static func isCut(_ characters: String?) -> (Unicode.Scalar) -> Bool {
    guard let characters else { return \.isPythonSpace }
    let set = Set(characters.unicodeScalars)
    return { set.contains($0) }
  }

  static func stripStart(_ text: String, _ characters: String? = nil) -> String {
    String(text.unicodeScalars.drop(while: isCut(characters)))
  }

  static func stripEnd(_ text: String, _ characters: String? = nil) -> String {
    let isCut = isCut(characters)
    var view = text.unicodeScalars[...]
    while let last = view.last, isCut(last) { view.removeLast() }
    return String(view)
  }

  static func strip(_ text: String, _ characters: String? = nil) -> String {
    stripStart(stripEnd(text, characters), characters)
  }

  // MARK: Case

  static func lower(_ text: String) -> String {
    if isASCII(text) { return text.lowercased() }
    guard text.unicodeScalars.contains("\u{3A3}") else {
      return text.unicodeScalars.map(\.properties.lowercaseMapping).joined()
    }
    let scalars = Array(text.unicodeScalars)
    return scalars.indices.map { index in
      isFinalSigma(scalars, index) ? "\u{3C2}" : scalars[index].properties.lowercaseMapping
    }.joined()
  }

  /// Whether a capital sigma ends a word: a letter stands before it and none behind, marks aside.
  private static func isFinalSigma(_ scalars: [Unicode.Scalar], _ index: Int) -> Bool {
    guard scalars[index] == "\u{3A3}" else { return false }
    let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
    let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    return before?.properties.isCased == true && after?.properties.isCased != true
  }

  /// Python's `str.casefold`: lower case after a way through upper case, which opens ligatures and the sharp s.
  static func fold(_ text: String) -> String {
    if isASCII(text) { return text.lowercased() }
    return text.unicodeScalars.map { scalar in
      if scalar == "\u{131}" { return String(scalar) }
      let lowered = scalar.properties.lowercaseMapping
      return lowered.unicodeScalars.map { lower in
        lower.properties.uppercaseMapping.unicodeScalars.map(\.properties.lowercaseMapping).joined()
      }.joined()
    }.joined()
  }

  static func upper(_ text: String) -> String {
    isASCII(text) ? text.uppercased() : text.unicodeScalars.map(\.properties.uppercaseMapping).joined()
  }

  static func capitalize(_ text: String) -> String {
    guard let first = text.unicodeScalars.first else { return "" }
    return first.properties.titlecaseMapping + lower(String(text.unicodeScalars.dropFirst()))
  }

  /// Python's `str.title`: a capital at each start of a run of letters.
  static func title(_ text: String) -> String {
    var result = ""
    var inWord = false
    for scalar in text.unicodeScalars {
      result += inWord ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
      inWord = scalar.properties.isCased
    }
    return result
  }

  static func swapCase(_ text: String) -> String {
    text.unicodeScalars.map {
      $0.properties.isUppercase
        ? $0.properties.lowercaseMapping
        : $0.properties.isLowercase ? $0.properties.uppercaseMapping : String($0)
    }.joined()
  }

  // MARK: Padding

  static func pad(_ text: String, _ width: Int, left: Bool, _ fill: String, _ evaluation: Evaluation) throws -> String {
    let missing = width - length(text)
    guard missing > 0 else { return text }
    try evaluation.charge(bytes: missing)
    let padding = String(repeating: fill, count: missing)
    return left ? padding + text : text + padding
  }

  static func center(_ text: String, _ width: Int, _ fill: String, _ evaluation: Evaluation) throws -> String {
    let missing = width - length(text)
    guard missing > 0 else { return text }
    try evaluation.charge(bytes: missing)
    let left = missing / 2 + (missing & width & 1)
    return String(repeating: fill, count: left) + text + String(repeating: fill, count: missing - left)
  }
}
