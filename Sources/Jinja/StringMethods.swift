/// Python's `str` methods.
struct StringMethods {
  private let text: String
  private let evaluation: Evaluation

  init(_ text: String, _ evaluation: Evaluation) {
    self.text = text
    self.evaluation = evaluation
  }

  func call(_ method: MethodName, _ arguments: Arguments) throws -> Value {
    let name = method.rawValue
    switch method {
    case .casefold: return try none(name, arguments) { PythonString.fold(text) }
    case .lower: return try none(name, arguments) { PythonString.lower(text) }
    case .upper: return try none(name, arguments) { PythonString.upper(text) }
    case .capitalize: return try none(name, arguments) { PythonString.capitalize(text) }
    case .title: return try none(name, arguments) { PythonString.title(text) }
    case .swapcase: return try none(name, arguments) { PythonString.swapCase(text) }
    case .strip, .lstrip, .rstrip: return try strip(method, arguments)
    case .replace: return try replace(arguments)
    case .split, .rsplit: return try split(method, arguments)
    case .splitlines:
      let keep = try arguments.bind(name, ["keepends?"])[0]?.isTruthy ?? false
      return strings(PythonString.lines(text, keepEnds: keep))
    case .join: return try join(arguments)
    case .startswith, .endswith: return try affix(method, arguments)
    case .format: return .string(try FormatText.format(text, arguments, evaluation))
    case .formatMap:
      let map = try arguments.bind(name, ["mapping"])[0] ?? .none
      return .string(try FormatText.format(text, mapping: map, evaluation))
    case .find, .index, .rfind, .rindex, .count: return try search(method, arguments)
    case .ljust, .rjust, .center, .zfill, .expandtabs: return try pad(method, arguments)
    case .partition, .rpartition: return try partition(method, arguments)
    case .removeprefix, .removesuffix:
      let affix = try (arguments.bind(name, ["affix"])[0] ?? .none).requireString(name)
      if method == .removeprefix {
        guard PythonString.hasPrefix(text, affix) else { return .string(text) }
        return .string(String(decoding: text.utf8.dropFirst(affix.utf8.count), as: UTF8.self))
      }
      guard PythonString.hasSuffix(text, affix) else { return .string(text) }
      return .string(String(decoding: text.utf8.dropLast(affix.utf8.count), as: UTF8.self))
    case .encode: return try BytesObject.encode(text, arguments)
    case .translate: return try translate(arguments)
    case .maketrans: return try makeTranslation(arguments)
    default:
      _ = try arguments.bind(name, [])
      return .bool(predicate(method))
    }
  }

  private func none(_ name: String, _ arguments: Arguments, _ body: () -> String) throws -> Value {
    _ = try arguments.bind(name, [])
    try evaluation.charge(bytes: text.utf8.count)
    return .string(body())
  }

  private func strings(_ items: [String]) -> Value { .list(ListObject(items.map(Value.string))) }

  private func strip(_ method: MethodName, _ arguments: Arguments) throws -> Value {
    let given = try arguments.bind(method.rawValue, ["chars?"])[0] ?? .none
    let characters = given.isNone ? nil : try given.requireString(method.rawValue)
    switch method {
    case .lstrip: return .string(PythonString.stripStart(text, characters))
    case .rstrip: return .string(PythonString.stripEnd(text, characters))
    default: return .string(PythonString.strip(text, characters))
    }
  }

  private func replace(_ arguments: Arguments) throws -> Value {
    let bound = try arguments.bind("replace", ["old", "new", "count?"])
    let old = try (bound[0] ?? .none).requireString("replace")
    let new = try (bound[1] ?? .none).requireString("replace")
    return .string(try PythonString.replace(text, old, new, try bound[2]?.requireInt() ?? -1, evaluation))
  }

  private func split(_ method: MethodName, _ arguments: Arguments) throws -> Value {
    let bound = try arguments.bind(method.rawValue, ["sep?", "maxsplit?"])
    let limit = try bound[1]?.requireInt() ?? -1
    let pieces: [String]
    if let given = bound[0], !given.isNone {
      let separator = try given.requireString(method.rawValue)
      guard !separator.utf8.isEmpty else { throw JinjaError(.value, "empty separator") }
      pieces =
        method == .split
        ? PythonString.split(text, separator, limit: limit)
        : PythonString.splitFromRight(text, separator, limit: limit)
    } else {
      pieces =
        method == .split ? PythonString.words(text, limit: limit) : PythonString.wordsFromRight(text, limit: limit)
    }
    try evaluation.charge(elements: pieces.count)
    return strings(pieces)
  }

  private func join(_ arguments: Arguments) throws -> Value {
    let items = try evaluation.elements(of: try arguments.bind("join", ["iterable"])[0] ?? .none)
    var parts: [String] = []
    for (index, item) in items.enumerated() {
      guard let part = item.stringValue else {
        throw JinjaError(.type, "sequence item \(index): expected str instance, \(item.typeName) found")
      }
      parts.append(part)
    }
    let total = parts.reduce(0) { $0 + $1.utf8.count } + text.utf8.count * max(0, parts.count - 1)
    try evaluation.charge(bytes: total)
    return .string(parts.joined(separator: text))
  }

  private func affix(_ method: MethodName, _ arguments: Arguments) throws -> Value {
    let name = method.rawValue
    let bound = try arguments.bind(name, ["affix", "start?", "end?"])
    let affixes: [Value]
    switch bound[0] ?? .none {
    case .tuple(let items): affixes = items
    case let single: affixes = [single]
    }
    let subject = try range(bound[1], bound[2])?.text
    for affix in affixes {
      guard let affix = affix.stringValue else {
        if case .undefined(let undefined) = affix { throw undefined.error }
        throw JinjaError(.type, "\(name) first arg must be str or a tuple of str, not \(affix.typeName)")
      }
      guard let subject else { return .bool(false) }
      let matches =
        method == .startswith ? PythonString.hasPrefix(subject, affix) : PythonString.hasSuffix(subject, affix)
      if matches { return .bool(true) }
    }
    return .bool(false)
  }

  /// The part of the text between two optional positions, and where it starts; nil when the start is past the end.
  private func range(_ start: Value?, _ end: Value?) throws -> (text: String, offset: Int)? {
    let from = start ?? .none
    let to = end ?? .none
    if from.isNone, to.isNone { return (text, 0) }
    let scalars = Array(text.unicodeScalars)
    func clamp(_ value: Value, _ missing: Int) throws -> Int {
      if value.isNone { return missing }
      let number = try value.requireInt()
      return number < 0 ? max(0, number + scalars.count) : number
    }
    let first = try clamp(from, 0)
    let last = min(try clamp(to, scalars.count), scalars.count)
    guard first <= scalars.count, first <= last else { return nil }
    return (PythonString.text(scalars[first..<last]), first)
  }

  private func search(_ method: MethodName, _ arguments: Arguments) throws -> Value {
    let name = method.rawValue
    let bound = try arguments.bind(name, ["sub", "start?", "end?"])
    let part = try (bound[0] ?? .none).requireString(name)
    guard let (subject, offset) = try range(bound[1], bound[2]) else {
      if method == .index || method == .rindex { throw JinjaError(.value, "substring not found") }
      return .int(method == .count ? 0 : -1)
    }
    let bytes = Array(subject.utf8)
    let pattern = Array(part.utf8)
    if method == .count { return .int(count(pattern, in: bytes, subject)) }
    var found: Int?
    if method == .find || method == .index {
      found = PythonString.find(pattern, in: bytes)
    } else if bytes.count >= pattern.count {
      var cursor = bytes.count - pattern.count
      while cursor >= 0 {
        if bytes[cursor..<(cursor + pattern.count)].elementsEqual(pattern) {
          found = cursor
          break
        }
        cursor -= 1
      }
    }
    guard let found else {
      if method == .index || method == .rindex { throw JinjaError(.value, "substring not found") }
      return .int(-1)
    }
    return .int(offset + String(decoding: bytes[..<found], as: UTF8.self).unicodeScalars.count)
  }

  private func count(_ pattern: [UInt8], in bytes: [UInt8], _ subject: String) -> Int {
    if pattern.isEmpty { return subject.unicodeScalars.count + 1 }
    var count = 0
    var cursor = 0
    while let found = PythonString.find(pattern, in: bytes, from: cursor) {
      count += 1
      cursor = found + pattern.count
    }
    return count
  }

  private func pad(_ method: MethodName, _ arguments: Arguments) throws -> Value {
    let name = method.rawValue
    if method == .expandtabs {
      return .string(try expandTabs(try arguments.bind(name, ["tabsize?"])[0]?.requireInt() ?? 8))
    }
    if method == .zfill {
      let width = try (arguments.bind(name, ["width"])[0] ?? .none).requireInt()
      let isSigned = PythonString.hasPrefix(text, "-") || PythonString.hasPrefix(text, "+")
      let digits = isSigned ? String(text.unicodeScalars.dropFirst()) : text
      let sign = isSigned ? String(text.unicodeScalars.prefix(1)) : ""
      return .string(
        sign + (try PythonString.pad(digits, width - sign.utf8.count, left: true, "0", evaluation)))
    }
    let bound = try arguments.bind(name, ["width", "fillchar?"])
    let width = try (bound[0] ?? .none).requireInt()
    let fill = try bound[1]?.requireString(name) ?? " "
    guard PythonString.length(fill) == 1 else {
      throw JinjaError(.type, "The fill character must be exactly one character long")
    }
    if method == .center { return .string(try PythonString.center(text, width, fill, evaluation)) }
    return .string(try PythonString.pad(text, width, left: method == .rjust, fill, evaluation))
  }

  private func expandTabs(_ size: Int) throws -> String {
    var result = ""
    var column = 0
    for scalar in text.unicodeScalars {
      if scalar == "\t" {
        let width = size > 0 ? size - column % size : 0
        try evaluation.charge(bytes: width)
        result += String(repeating: " ", count: width)
        if result.utf8.count > evaluation.limits.outputBytes { try evaluation.charge(bytes: result.utf8.count) }
        column += width
      } else {
        result.unicodeScalars.append(scalar)
        column = scalar == "\n" || scalar == "\r" ? 0 : column + 1
      }
    }
    return result
  }

  private func partition(_ method: MethodName, _ arguments: Arguments) throws -> Value {
    let separator = try (arguments.bind(method.rawValue, ["sep"])[0] ?? .none).requireString(method.rawValue)
    guard !separator.utf8.isEmpty else { throw JinjaError(.value, "empty separator") }
    let isLeft = method == .partition
    let pieces =
      isLeft
      ? PythonString.split(text, separator, limit: 1) : PythonString.splitFromRight(text, separator, limit: 1)
    if pieces.count == 2 { return .tuple([.string(pieces[0]), .string(separator), .string(pieces[1])]) }
    let empty = Value.string("")
    return .tuple(isLeft ? [.string(text), empty, empty] : [empty, empty, .string(text)])
  }

  private func translate(_ arguments: Arguments) throws -> Value {
    guard case .dict(let table)? = try arguments.bind("translate", ["table"])[0] else {
      throw JinjaError(.type, "translate() needs a dict")
    }
    var result = ""
    for scalar in text.unicodeScalars {
      switch table[.int(Int(scalar.value))] {
      case nil: result.unicodeScalars.append(scalar)
      case .some(.none): break
      case .some(.int(let code)):
        guard let mapped = UInt32(exactly: code).flatMap(Unicode.Scalar.init) else {
          throw JinjaError(.value, "character mapping must be in range(0x110000)")
        }
        result.unicodeScalars.append(mapped)
      case .some(let value): result += try value.requireString("translate")
      }
    }
    try evaluation.charge(bytes: result.utf8.count)
    return .string(result)
  }

  private func makeTranslation(_ arguments: Arguments) throws -> Value {
    let bound = try arguments.bind("maketrans", ["x", "y?", "z?"])
    let table = DictObject()
    if let to = bound[1] {
      let from = Array(try (bound[0] ?? .none).requireString("maketrans").unicodeScalars)
      let onto = Array(try to.requireString("maketrans").unicodeScalars)
      guard from.count == onto.count else {
        throw JinjaError(.value, "the first two maketrans arguments must have equal length")
      }
      for (a, b) in zip(from, onto) { table[.int(Int(a.value))] = .int(Int(b.value)) }
      for scalar in try bound[2]?.requireString("maketrans").unicodeScalars ?? "".unicodeScalars {
        table[.int(Int(scalar.value))] = Value.none
      }
    } else if case .dict(let dict)? = bound[0] {
      for (key, value) in dict.pairs {
        if let text = key.stringValue, let scalar = text.unicodeScalars.first {
          table[.int(Int(scalar.value))] = value
        } else {
          table[key] = value
        }
      }
    }
    return .dict(table)
  }

  private func predicate(_ method: MethodName) -> Bool {
    let scalars = text.unicodeScalars
    func all(_ test: (Unicode.Scalar) -> Bool) -> Bool { !scalars.isEmpty && scalars.allSatisfy(test) }
    switch method {
    case .isalpha: return all(\.isPythonAlpha)
    case .isdigit: return all(\.isPythonDigit)
    case .isdecimal: return all { $0.properties.generalCategory == .decimalNumber }
    case .isnumeric: return all { $0.properties.numericType != nil }
    case .isalnum: return all { $0.isPythonAlpha || $0.properties.numericType != nil }
    case .isspace: return all(\.isPythonSpace)
    case .isascii: return PythonString.isASCII(text)
    case .isprintable: return scalars.allSatisfy(\.isPythonPrintable)
    case .islower: return scalars.contains(where: \.properties.isLowercase) && !scalars.contains(where: \.isPythonUpper)
    case .isupper:
      return scalars.contains(where: \.properties.isUppercase)
        && !scalars.contains { $0.properties.isLowercase || $0.properties.generalCategory == .titlecaseLetter }
    case .istitle: return isTitle
    case .isidentifier:
      guard let first = scalars.first else { return false }
      return (first == "_" || first.properties.isXIDStart) && scalars.dropFirst().allSatisfy(\.properties.isXIDContinue)
    default: return false
    }
  }

  private var isTitle: Bool {
    var inWord = false
    var found = false
    for scalar in text.unicodeScalars {
      if scalar.isPythonUpper {
        if inWord { return false }
        inWord = true
        found = true
      } else if scalar.properties.isLowercase {
        if !inWord { return false }
      } else {
        inWord = false
      }
    }
    return found
  }
}

extension Unicode.Scalar {
  /// Python's `str.isalpha` for one character.
  var isPythonAlpha: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  var isPythonDigit: Bool { properties.numericType == .decimal || properties.numericType == .digit }

  var isPythonUpper: Bool { properties.isUppercase || properties.generalCategory == .titlecaseLetter }
}
