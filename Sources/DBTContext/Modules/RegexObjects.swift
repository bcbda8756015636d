import Jinja
import OrderedCollections
import PlainData

/// A compiled pattern in a template.
final class PatternObject: Object {
  let program: RegexProgram

  init(_ program: RegexProgram) { self.program = program }

  var typeName: String { "re.Pattern" }
  var repr: String {
    let flags = program.flags.subtracting(.unicode)
    return "re.compile(\(Value.string(program.pattern).repr)\(flags.isEmpty ? "" : ", " + flags.text))"
  }

  func isEqual(to other: any Object) -> Bool {
    guard let other = (other as? PatternObject)?.program else { return false }
    return other.pattern == program.pattern && other.flags == program.flags
  }

  func hash(into hasher: inout Hasher) { hasher.combine(program.pattern) }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    let program = program
    switch name {
    case "pattern": return .string(program.pattern)
    case "flags": return .int(program.flags.rawValue)
    case "groups": return .int(program.groupCount)
    case "groupindex":
      return .dict(DictObject(program.groupNames.map { (key: .string($0.name), value: .int($0.number)) }))
    case "match", "search", "fullmatch":
      return .function(name, ["string", "pos?", "endpos?"]) { values, _ in
        try RegexModule.find(name, program, values[0], values[1], values[2])
      }
    case "findall":
      return .function(name, ["string", "pos?", "endpos?"]) { values, _ in
        try RegexModule.findAll(program, values[0], values[1], values[2])
      }
    case "finditer":
      return .function(name, ["string", "pos?", "endpos?"]) { values, _ in
        try RegexModule.findIter(program, values[0], values[1], values[2])
      }
    case "split":
      return .function(name, ["string", "maxsplit?"]) { values, _ in
        try RegexModule.split(program, values[0], values[1])
      }
    case "sub", "subn":
      return .function(name, ["repl", "string", "count?"]) { values, evaluation in
        try RegexModule.substitute(program, values[0], values[1], values[2], counts: name == "subn", evaluation)
      }
    default: return nil
    }
  }
}

/// A match in a template.
final class MatchObject: Object {
  let program: RegexProgram
  private let bytes: [UInt8]
  private let groups: [Range<Int>?]

  init(_ program: RegexProgram, _ source: String, _ bytes: [UInt8], _ groups: [Range<Int>?]) {
    self.program = program
    self.bytes = bytes
    self.groups = groups
    self.source = source
  }

  private let source: String

  var typeName: String { "re.Match" }
  var isTruthy: Bool { true }
  var repr: String {
    let span = groups[0].map { "(\(position($0.lowerBound)), \(position($0.upperBound)))" } ?? "(-1, -1)"
    return "<re.Match object; span=\(span), match=\(group(0).repr)>"
  }

  /// Offsets of Python count code points.
  private func position(_ offset: Int) -> Int { bytes[..<offset].count { $0 & 0xC0 != 0x80 } }

  /// The text of a group by number, None when it took no part.
  func group(_ number: Int) -> Value {
    guard number < groups.count, let range = groups[number] else { return .none }
    return .string(String(decoding: bytes[range], as: UTF8.self))
  }

  /// The number of a group given by number or name.
  func number(_ key: Value) throws -> Int {
    if let number = key.intValue, groups.indices.contains(number) { return number }
    if let name = key.stringValue, let found = program.groupNames.first(where: { $0.name == name }) {
      return found.number
    }
    throw JinjaError(.index, "no such group")
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? { (try? number(key)).map(group) }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "group":
      return .object(
        NativeFunction(name) { [self] arguments, _ in
          guard arguments.positional.count > 1 else {
            return group(try arguments.positional.first.map(number) ?? 0)
          }
          return .tuple(try arguments.positional.map { group(try number($0)) })
        })
    case "groups":
      return .function(name, ["default?"]) { [self] values, _ in
        .tuple((1..<max(1, groups.count)).map { groups[$0] == nil ? values[0] ?? .none : group($0) })
      }
    case "groupdict":
      return .function(name, ["default?"]) { [self] values, _ in
        .dict(
          DictObject(
            program.groupNames.map {
              (key: .string($0.name), value: groups[$0.number] == nil ? values[0] ?? .none : group($0.number))
            }))
      }
    case "start", "end", "span":
      return .function(name, ["group?"]) { [self] values, _ in
        let range = groups[try values[0].map(number) ?? 0]
        let (start, end) = range.map { (position($0.lowerBound), position($0.upperBound)) } ?? (-1, -1)
        return name == "span" ? .tuple([.int(start), .int(end)]) : .int(name == "start" ? start : end)
      }
    case "string": return .string(source)
    case "pos": return .int(0)
    case "endpos": return .int(position(bytes.count))
    case "lastgroup":
      let last = groups.indices.dropFirst().last { groups[$0] != nil }
      return Value(optional: program.groupNames.first { $0.number == last }?.name)
    case "re": return .object(PatternObject(program))
    case "lastindex":
      return groups.indices.dropFirst().last { groups[$0] != nil }.map { .int($0) } ?? Value.none
    case "expand":
      return .function(name, ["template"]) { [self] values, _ in
        let template = try ReplacementTemplate(try values[0]?.requiredText("template") ?? "", program)
        return .string(template.text(for: self))
      }
    default: return nil
    }
  }
}

/// The second argument of `re.sub`: text with references to groups.
struct ReplacementTemplate {
  private enum Part {
    case text(String)
    case group(Int)
  }

  private var parts: [Part] = []

  /// - Throws: value errors in the words of Python's `re.error`.
  init(_ template: String, _ program: RegexProgram) throws {
    let scalars = Array(template.unicodeScalars)
    var literal = ""
    var at = 0
    while at < scalars.count {
      guard scalars[at] == "\\" else {
        literal.unicodeScalars.append(scalars[at])
        at += 1
        continue
      }
      guard at + 1 < scalars.count else { throw JinjaError(.regex, "bad escape (end of pattern) at position \(at)") }
      let letter = scalars[at + 1]
      if let plain = ReplacementTemplate.escapes[letter] {
        literal.unicodeScalars.append(plain)
        at += 2
        continue
      }
      let (part, next) = try ReplacementTemplate.reference(scalars, at, program)
      if case .text(let character) = part {
        literal += character
      } else {
        parts += [.text(literal), part]
        literal = ""
      }
      at = next
    }
    parts.append(.text(literal))
  }

  private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
    "n": "\n", "t": "\t", "r": "\r", "f": "\u{0C}", "v": "\u{0B}", "a": "\u{07}", "b": "\u{08}", "\\": "\\",
  ]

  private static func reference(
    _ scalars: [Unicode.Scalar], _ start: Int, _ program: RegexProgram
  ) throws -> (Part, next: Int) {
    let letter = scalars[start + 1]
    func checked(_ number: Int) throws -> Part {
      guard number <= program.groupCount else {
        throw JinjaError(.regex, "invalid group reference \(number) at position \(start + 1)")
      }
      return .group(number)
    }
    if letter == "g" {
      guard start + 2 < scalars.count, scalars[start + 2] == "<",
        let close = scalars[(start + 3)...].firstIndex(of: ">")
      else { throw JinjaError(.regex, "missing group name at position \(start + 2)") }
      let name = String(String.UnicodeScalarView(scalars[(start + 3)..<close]))
      if let number = Int(name) { return (try checked(number), close + 1) }
      guard let known = program.groupNames.first(where: { $0.name == name }) else {
        throw JinjaError(.index, "unknown group name \(Value.string(name).repr)")
      }
      return (.group(known.number), close + 1)
    }
    guard ("0"..."9").contains(letter) else {
      if letter.isASCII, letter.properties.isAlphabetic {
        throw JinjaError(.regex, "bad escape \\\(letter) at position \(start)")
      }
      return (.text("\\" + String(letter)), start + 2)
    }
    var digits: [Unicode.Scalar] = []
    while digits.count < 3, start + 1 + digits.count < scalars.count,
      ("0"..."7").contains(scalars[start + 1 + digits.count])
    {
      digits.append(scalars[start + 1 + digits.count])
    }
    if letter == "0" || digits.count == 3 {
      let used = letter == "0" ? Array(digits.prefix(3)) : digits
      let value = used.reduce(UInt32(0)) { $0 * 8 + $1.value - 48 } & 0o377
      return (.text(Unicode.Scalar(value).map { String($0) } ?? ""), start + 1 + used.count)
    }
    var number = Int(letter.value - 48)
    var next = start + 2
    if next < scalars.count, ("0"..."9").contains(scalars[next]) {
      number = number * 10 + Int(scalars[next].value - 48)
      next += 1
    }
    return (try checked(number), next)
  }

  func text(for match: MatchObject) -> String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .group(let number): match.group(number).stringValue ?? ""
      }
    }.joined()
  }
}

/// A flag of `re`: an integer that prints its name.
final class RegexFlagObject: Object {
  let flags: RegexFlags

  init(_ flags: RegexFlags) { self.flags = flags }

  private var number: Value { .int(flags.rawValue) }

  var typeName: String { "RegexFlag" }
  var repr: String { flags.text }
  var isTruthy: Bool { flags.rawValue != 0 }
  var kinds: ValueKinds { [.integer, .number] }
  func plain() -> PlainValue? { .int(flags.rawValue) }
  func isEqual(to other: any Object) -> Bool { (other as? RegexFlagObject)?.flags == flags }
  func hash(into hasher: inout Hasher) { hasher.combine(flags) }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    switch name {
    case "value": number
    case "name": .string(String(flags.text.dropFirst(3)))
    default: nil
    }
  }

  func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
    let peer = (other.objectValue as? RegexFlagObject)?.flags.rawValue ?? other.intValue
    guard let peer else { return nil }
    let (left, right) = reversed ? (peer, flags.rawValue) : (flags.rawValue, peer)
    switch operation {
    case .add: return .int(left &+ right)
    case .subtract: return .int(left &- right)
    case .multiply: return .int(left &* right)
    default: return nil
    }
  }
}
