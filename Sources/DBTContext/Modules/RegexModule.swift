import Jinja

/// `modules.re`.
enum RegexModule {
  /// The module's public names.
  static let names = [
    "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer", "compile", "purge", "template",
    "escape", "error", "Pattern", "Match", "A", "I", "L", "M", "S", "X", "U", "ASCII", "IGNORECASE", "LOCALE",
    "MULTILINE", "DOTALL", "VERBOSE", "UNICODE", "NOFLAG", "RegexFlag",
  ]

  static func member(_ name: String) -> Value? {
    if let flag = RegexFlags(name: name) { return .object(RegexFlagObject(flag)) }
    switch name {
    case "error": return .object(OpaqueClass("<class 're.error'>"))
    case "Pattern", "Match": return .object(OpaqueClass("<class 're.\(name)'>"))
    case "RegexFlag": return .object(OpaqueClass("<flag 'RegexFlag'>"))
    case "compile", "template":
      return .function(name, ["pattern", "flags?"]) { values, _ in
        .object(PatternObject(try program(values[0], values[1])))
      }
    case "match", "search", "fullmatch":
      return .function(name, ["pattern", "string", "flags?"]) { values, _ in
        try find(name, try program(values[0], values[2]), values[1], nil)
      }
    case "findall":
      return .function(name, ["pattern", "string", "flags?"]) { values, _ in
        try findAll(try program(values[0], values[2]), values[1])
      }
    case "finditer":
      return .function(name, ["pattern", "string", "flags?"]) { values, _ in
        try findIter(try program(values[0], values[2]), values[1])
      }
    case "split":
      return .function(name, ["pattern", "string", "maxsplit?", "flags?"]) { values, _ in
        try split(try program(values[0], values[3]), values[1], values[2])
      }
    case "sub", "subn":
      return .function(name, ["pattern", "repl", "string", "count?", "flags?"]) { values, evaluation in
        try substitute(
          try program(values[0], values[4]), values[1], values[2], values[3], counts: name == "subn", evaluation)
      }
    case "escape":
      return .function(name, ["pattern"]) { values, _ in .string(escaped(try values[0]?.requiredText("pattern") ?? ""))
      }
    case "purge": return .function(name) { _, _ in .none }
    default: return nil
    }
  }

  private static func program(_ pattern: Value?, _ flags: Value?) throws -> RegexProgram {
    if let compiled = (pattern?.objectValue as? PatternObject)?.program {
      guard try flags.map(self.flags)?.rawValue ?? 0 == 0 else {
        throw JinjaError(.value, "cannot process flags argument with a compiled pattern")
      }
      return compiled
    }
    guard let text = pattern?.stringValue else {
      throw JinjaError(.type, "first argument must be string or compiled pattern")
    }
    return try RegexProgram(text, flags: try flags.map(self.flags) ?? [])
  }

  private static func flags(_ value: Value) throws -> RegexFlags {
    if let flags = (value.objectValue as? RegexFlagObject)?.flags { return flags }
    return RegexFlags(rawValue: try value.requiredInt("flags"))
  }

  private static func subject(_ value: Value?) throws -> String {
    guard let text = value?.stringValue else {
      throw JinjaError(.type, "expected string or bytes-like object, got '\(value?.typeName ?? "NoneType")'")
    }
    return text
  }

  /// The part of a text between two positions: its bytes up to the end, where to start, and both in characters.
  struct Window {
    let text: String
    let bytes: [UInt8]
    let start: Int
    let positions: Range<Int>

    init(_ text: String, _ position: Value?, _ end: Value?) throws {
      self.text = text
      let count = position == nil && end == nil ? 0 : text.unicodeScalars.count
      let last = end == nil ? count : min(count, max(0, try end?.requiredInt("endpos") ?? count))
      let first = min(last, max(0, try position?.requiredInt("pos") ?? 0))
      positions = first..<last
      let kept = end == nil ? text.unicodeScalars[...] : text.unicodeScalars.prefix(last)
      bytes = Array(String(String.UnicodeScalarView(kept)).utf8)
      start = text.unicodeScalars.prefix(first).reduce(0) { $0 + UTF8.width($1) }
    }
  }

  static func find(
    _ name: String, _ program: RegexProgram, _ value: Value?, _ position: Value?, _ end: Value? = nil
  ) throws -> Value {
    let window = try Window(try subject(value), position, end)
    let (text, bytes, start) = (window.text, window.bytes, window.start)
    let anchoring: RegexProgram.Anchoring = name == "search" ? .search : name == "match" ? .start : .whole
    guard let groups = try program.match(bytes, from: start, anchoring) else { return .none }
    return .object(MatchObject(program, text, bytes, groups))
  }

  private static func matches(
    _ program: RegexProgram, _ value: Value?, _ position: Value?, _ end: Value?
  ) throws -> [MatchObject] {
    let window = try Window(try subject(value), position, end)
    return try program.matches(window.bytes, from: window.start).map {
      MatchObject(program, window.text, window.bytes, $0)
    }
  }

  /// The whole matches, or the group, or tuples of the groups.
  static func findAll(
    _ program: RegexProgram, _ value: Value?, _ position: Value? = nil, _ end: Value? = nil
  ) throws -> Value {
    func text(_ value: Value) -> Value { value.isNone ? .string("") : value }
    return .list(
      try matches(program, value, position, end).map { match in
        switch program.groupCount {
        case 0: text(match.group(0))
        case 1: text(match.group(1))
        default: .tuple((1...program.groupCount).map { text(match.group($0)) })
        }
      })
  }

  static func findIter(
    _ program: RegexProgram, _ value: Value?, _ position: Value? = nil, _ end: Value? = nil
  ) throws -> Value {
    .object(
      IteratorObject(try matches(program, value, position, end).map { .object($0) }, typeName: "callable_iterator"))
  }

  static func split(_ program: RegexProgram, _ value: Value?, _ maximum: Value?) throws -> Value {
    let text = try subject(value)
    let bytes = Array(text.utf8)
    let limit = try maximum?.requiredInt("maxsplit") ?? 0
    guard limit >= 0 else { return .list([.string(text)]) }
    var parts: [Value] = []
    var at = 0
    for groups in try program.matches(bytes, limit: limit == 0 ? .max : limit) {
      guard let whole = groups[0] else { continue }
      parts.append(.string(String(decoding: bytes[at..<whole.lowerBound], as: UTF8.self)))
      for group in groups.dropFirst() {
        parts.append(group.map { .string(String(decoding: bytes[$0], as: UTF8.self)) } ?? .none)
      }
      at = whole.upperBound
    }
    parts.append(.string(String(decoding: bytes[at...], as: UTF8.self)))
    return .list(parts)
  }

  static func substitute(
    _ program: RegexProgram, _ replacement: Value?, _ value: Value?, _ count: Value?, counts: Bool,
    _ evaluation: Evaluation
  ) throws -> Value {
    let text = try subject(value)
    let bytes = Array(text.utf8)
    let limit = try count?.requiredInt("count") ?? 0
    let template = try replacement?.stringValue.map { try ReplacementTemplate($0, program) }
    var result: [UInt8] = []
    var at = 0
    let found = limit < 0 ? [] : try program.matches(bytes, limit: limit == 0 ? .max : limit)
    for groups in found {
      guard let whole = groups[0] else { continue }
      result += bytes[at..<whole.lowerBound]
      let match = MatchObject(program, text, bytes, groups)
      if let template {
        result += template.text(for: match).utf8
      } else {
        result += try evaluation.call(replacement ?? .none, Arguments([.object(match)])).requiredText("repl").utf8
      }
      guard result.count <= evaluation.limits.outputBytes else {
        throw JinjaError(
          .limit, "the result of re.sub is longer than the limit of \(evaluation.limits.outputBytes) bytes")
      }
      at = whole.upperBound
    }
    result += bytes[at...]
    let replaced = Value.string(String(decoding: result, as: UTF8.self))
    return counts ? .tuple([replaced, .int(found.count)]) : replaced
  }

  /// Python's `re.escape`.
  static func escaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if "()[]{}?*+-|^$\\.&~# \t\n\r\u{0B}\u{0C}".unicodeScalars.contains(scalar) { result.append("\\") }
      result.append(scalar)
    }
    return String(result)
  }
}
