import Jinja

/// Rewrites Python's syntax of regular expressions to PCRE2's where they differ, and refuses what only PCRE2 knows:
/// recursion, callouts, verbs, `\K` and the like.
struct RegexTranslator {
  private let source: [Unicode.Scalar]
  private var at = 0
  private var output = String.UnicodeScalarView()
  private var isVerbose: Bool
  /// Flags at the start of the pattern.
  private(set) var flags: RegexFlags

  /// The pattern for PCRE2 and the flags with those that the pattern sets itself.
  ///
  /// - Throws: a `regex` error in the words of Python's `re.error`.
  static func translate(_ pattern: String, _ flags: RegexFlags) throws -> (pattern: String, flags: RegexFlags) {
    var translator = RegexTranslator(source: Array(pattern.unicodeScalars), flags: flags)
    try translator.run()
    return (String(translator.output), translator.flags)
  }

  private init(source: [Unicode.Scalar], flags: RegexFlags) {
    self.source = source
    self.flags = flags
    isVerbose = flags.contains(.verbose)
  }

  private func fault(_ message: String, _ position: Int) -> JinjaError {
    JinjaError(.regex, "\(message) at position \(position)")
  }

  private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
    at + offset < source.count ? source[at + offset] : nil
  }

  private mutating func put(_ text: String) { output.append(contentsOf: text.unicodeScalars) }

  private mutating func run() throws {
    while let scalar = peek() {
      switch scalar {
      case "\\": try escape(inClass: false)
      case "[": try characterClass()
      case "(": try group()
      case "{": brace()
      case "#" where isVerbose:
        // A comment to the end of the line; copied whole, so that nothing in it is taken for syntax.
        while let next = peek(), next != "\n" {
          at += 1
          _ = next
        }
      default:
        output.append(scalar)
        at += 1
      }
    }
  }

  /// `{,n}` has zero as its lower bound in Python.
  private mutating func brace() {
    var end = at + 2
    while end < source.count, ("0"..."9").contains(source[end]) { end += 1 }
    if peek(1) == ",", end > at + 2, end < source.count, source[end] == "}" {
      put("{0,")
      at += 2
    } else if isQuantifier() {
      output.append("{")
      at += 1
    } else {
      put("\\{")
      at += 1
    }
  }

  private func isQuantifier() -> Bool {
    var index = at + 1
    var digits = 0
    while index < source.count, ("0"..."9").contains(source[index]) {
      digits += 1
      index += 1
    }
    guard digits > 0, index < source.count else { return false }
    if source[index] == "," {
      index += 1
      while index < source.count, ("0"..."9").contains(source[index]) { index += 1 }
    }
    return index < source.count && source[index] == "}"
  }

  // MARK: Groups

  private mutating func group() throws {
    let start = at
    if peek(1) == "*" { throw fault("nothing to repeat", start + 1) }
    guard peek(1) == "?" else {
      output.append("(")
      at += 1
      return
    }
    switch peek(2) {
    case ":", "=", "!", ">":
      copy(3)
    case "<":
      guard peek(3) == "=" || peek(3) == "!" else { throw fault("unknown extension ?<" + text(at: 3), start + 1) }
      copy(4)
    case "P":
      guard peek(3) == "<" || peek(3) == "=" else { throw fault("unknown extension ?P" + text(at: 3), start + 1) }
      copy(4)
    case "(": copy(3)
    case "#":
      while let next = peek(), next != ")" {
        _ = next
        at += 1
      }
      guard peek() != nil else { throw fault("missing ), unterminated comment", start) }
      at += 1
    default: try inlineFlags(start)
    }
  }

  private func text(at offset: Int) -> String { peek(offset).map { String($0) } ?? "" }

  private mutating func copy(_ count: Int) {
    output.append(contentsOf: source[at..<(at + count)])
    at += count
  }

  /// `(?im)` for the whole pattern, or `(?i-m:…)` for a group.
  private mutating func inlineFlags(_ start: Int) throws {
    var index = at + 2
    var on: [Unicode.Scalar] = []
    var off: [Unicode.Scalar] = []
    var isOff = false
    while index < source.count, source[index] != ")", source[index] != ":" {
      let letter = source[index]
      if letter == "-", !isOff {
        isOff = true
      } else if "aiLmsux".unicodeScalars.contains(letter) {
        if isOff { off.append(letter) } else { on.append(letter) }
      } else {
        throw fault("unknown extension ?" + String(letter), start + 1)
      }
      index += 1
    }
    guard index < source.count else { throw fault("missing -, : or )", index) }
    let isGlobal = source[index] == ")"
    at = index + 1
    let known = on.filter { "imsx".unicodeScalars.contains($0) }
    if isGlobal {
      // Python takes several, one after the other; comments between them leave no trace in the output.
      let isFirst = output.allSatisfy { isVerbose && $0.properties.isWhitespace }
      guard isFirst, !isOff else { throw fault("global flags not at the start of the expression", start) }
      for letter in on { if let flag = RegexFlags(name: String(letter).uppercased()) { flags.insert(flag) } }
      if on.contains("x") { isVerbose = true }
      return
    }
    let removed = off.filter { "imsx".unicodeScalars.contains($0) }
    put("(?" + String(String.UnicodeScalarView(known)))
    if !removed.isEmpty { put("-" + String(String.UnicodeScalarView(removed))) }
    put(":")
  }

  // MARK: Classes and escapes

  private mutating func characterClass() throws {
    let start = at
    output.append("[")
    at += 1
    if peek() == "^" { copy(1) }
    var isFirst = true
    while let scalar = peek() {
      if scalar == "]", !isFirst {
        copy(1)
        return
      }
      isFirst = false
      switch scalar {
      case "\\": try escape(inClass: true)
      case "[", "]":
        // No POSIX classes in Python.
        output.append("\\")
        copy(1)
      default: copy(1)
      }
    }
    throw fault("unterminated character set", start)
  }

  private mutating func escape(inClass: Bool) throws {
    guard let letter = peek(1) else { throw fault("bad escape (end of pattern)", at) }
    let start = at
    switch letter {
    case "x": try hexadecimal(digits: 2, start)
    case "u": try hexadecimal(digits: 4, start)
    case "U": try hexadecimal(digits: 8, start)
    case "Z" where !inClass:
      put("\\z")
      at += 2
    case "A" where !inClass, "B" where !inClass, "b", "d", "D", "s", "S", "w", "W", "a", "f", "n", "r", "t": copy(2)
    case "v":
      put("\\x{0b}")
      at += 2
    case "0"..."9": try number(inClass: inClass, start)
    case "a"..."z", "A"..."Z": throw fault("bad escape \\\(letter)", start)
    default: copy(2)
    }
  }

  private mutating func hexadecimal(digits count: Int, _ start: Int) throws {
    var value: UInt32 = 0
    for offset in 0..<count {
      guard let scalar = peek(2 + offset), let digit = Character(scalar).hexDigitValue, scalar.isASCII else {
        throw fault("incomplete escape \\\(text(at: 1))", start)
      }
      value = value << 4 | UInt32(digit)
    }
    guard Unicode.Scalar(value) != nil else { throw fault("bad escape \\\(text(at: 1))", start) }
    put("\\x{" + String(value, radix: 16) + "}")
    at += 2 + count
  }

  /// `\0` and three octal digits are characters; other numbers refer to groups.
  private mutating func number(inClass: Bool, _ start: Int) throws {
    var digits: [Unicode.Scalar] = []
    while digits.count < 3, let next = peek(1 + digits.count), ("0"..."7").contains(next) { digits.append(next) }
    let isOctal = digits.first == "0" || digits.count == 3
    if isOctal || inClass {
      guard !digits.isEmpty else { throw fault("bad escape \\\(text(at: 1))", start) }
      let value = digits.reduce(0) { $0 * 8 + Int($1.value - 48) }
      guard value <= 0o377 else { throw fault("octal escape value outside of range 0-0o377", start) }
      put("\\x{" + String(value, radix: 16) + "}")
      at += 1 + digits.count
      return
    }
    var name = text(at: 1)
    if let second = peek(2), ("0"..."9").contains(second) { name.unicodeScalars.append(second) }
    put("(?:\\\(name))")
    at += 1 + name.count
  }
}
