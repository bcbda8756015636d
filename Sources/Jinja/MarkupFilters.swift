/// Filters for HTML.
enum MarkupFilters {
  static let table: [String: Filters.Body] = [
    "e": escape, "escape": escape,
    "forceescape": { value, _, evaluation in .object(Markup(Markup.escape(try evaluation.text(of: value)))) },
    "safe": { value, _, evaluation in .object(Markup(try evaluation.text(of: value))) },
    "striptags": { value, _, evaluation in .string(stripTags(try evaluation.text(of: value))) },
    "xmlattr": attributes,
    "urlencode": { value, _, evaluation in
      switch value {
      case .dict(let dict):
        return .string(
          try dict.pairs.map { "\(try quote($0.key, evaluation, "+"))=\(try quote($0.value, evaluation, "+"))" }
            .joined(separator: "&"))
      default:
        if value.kinds.contains(.iterable), !value.kinds.contains(.string) {
          return .string(
            try evaluation.elements(of: value).map { pair in
              let parts = try evaluation.elements(of: pair)
              guard parts.count == 2 else { throw JinjaError(.value, "not enough values to unpack (expected 2)") }
              return "\(try quote(parts[0], evaluation, "+"))=\(try quote(parts[1], evaluation, "+"))"
            }.joined(separator: "&"))
        }
        return .string(try quote(value, evaluation, nil))
      }
    },
    "urlize": { value, arguments, evaluation in
      let bound = try arguments.bind("urlize", ["trim_url_limit?", "nofollow?", "target?", "rel?", "extra_schemes?"])
      return .string(try Links(bound, evaluation).apply(try evaluation.text(of: value)))
    },
  ]

  @Sendable private static func escape(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    if value.objectValue is Markup { return value }
    let text = Markup.escape(try evaluation.text(of: value))
    try evaluation.charge(bytes: text.utf8.count)
    return .object(Markup(text))
  }

  /// Percent-encodes all but unreserved characters and slashes; spaces as `space` when given.
  private static func quote(_ value: Value, _ evaluation: Evaluation, _ space: String?) throws -> String {
    var result: [UInt8] = []
    let hex = Array("0123456789ABCDEF".utf8)
    for byte in try evaluation.text(of: value).utf8 {
      if byte.isWordByte || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "~")
        || (byte == UInt8(ascii: "/") && space == nil)
      {
        result.append(byte)
      } else if byte == UInt8(ascii: " "), let space {
        result += Array(space.utf8)
      } else {
        result += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  @Sendable private static func attributes(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let spaced = try arguments.bind("xmlattr", ["autospace?"])[0]?.isTruthy ?? true
    guard case .dict(let dict) = value else {
      throw JinjaError(.undefined, "'\(value.typeName) object' has no attribute 'items'")
    }
    var parts: [String] = []
    for (key, value) in dict.pairs where !value.isNone && !value.isUndefined {
      let name = try key.requireString("xmlattr")
      if name.utf8.contains(where: { $0.isSpaceByte || $0 == 0x2f || $0 == 0x3e || $0 == 0x3d }) {
        throw JinjaError(.value, "Invalid character in attribute name: \(PythonText.repr(name))")
      }
      parts.append("\(Markup.escape(name))=\"\(Markup.escape(try evaluation.text(of: value)))\"")
    }
    let text = parts.joined(separator: " ")
    return .string(spaced && !text.isEmpty ? " " + text : text)
  }

  /// Removes comments and tags, joins white space, resolves the common entities.
  private static func stripTags(_ text: String) -> String {
    var bytes = Array(text.utf8)
    func remove(_ opening: String, _ closing: String) {
      let open = Array(opening.utf8)
      let close = Array(closing.utf8)
      var result: [UInt8] = []
      var cursor = 0
      while let start = PythonString.find(open, in: bytes, from: cursor),
        let end = PythonString.find(close, in: bytes, from: start)
      {
        result += bytes[cursor..<start]
        cursor = end + close.count
      }
      bytes = result + bytes[cursor...]
    }
    remove("<!--", "-->")
    remove("<", ">")
    let words = PythonString.words(String(decoding: bytes, as: UTF8.self), limit: -1).joined(separator: " ")
    return unescape(words)
  }

  private static func unescape(_ text: String) -> String {
    let entities: [String: String] = [
      "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": "\u{A0}", "copy": "©",
    ]
    var result = ""
    var rest = text.unicodeScalars[...]
    while let start = rest.firstIndex(of: "&") {
      result.unicodeScalars.append(contentsOf: rest[..<start])
      let after = rest.index(after: start)
      guard let end = rest[after...].prefix(32).firstIndex(of: ";") else {
        result += "&"
        rest = rest[after...]
        continue
      }
      let name = String(rest[after..<end])
      if let replacement = entities[name] ?? numeric(name) {
        result += replacement
        rest = rest[rest.index(after: end)...]
      } else {
        result += "&"
        rest = rest[after...]
      }
    }
    result.unicodeScalars.append(contentsOf: rest)
    return result
  }

  private static func numeric(_ name: String) -> String? {
    guard name.utf8.first == UInt8(ascii: "#") else { return nil }
    let isHex = name.utf8.dropFirst().first.map { $0 | 0x20 == UInt8(ascii: "x") } ?? false
    let digits = String(decoding: name.utf8.dropFirst(isHex ? 2 : 1), as: UTF8.self)
    return UInt32(digits, radix: isHex ? 16 : 10).flatMap(Unicode.Scalar.init).map { String($0) }
  }
}

/// The `urlize` filter: links for web and mail addresses in text.
struct Links {
  private let limit: Int?
  private let attributes: String

  init(_ bound: [Value?], _ evaluation: Evaluation) throws {
    func given(_ index: Int) -> Value? { bound[index].flatMap { $0.isNone ? nil : $0 } }
    limit = try given(0)?.requireInt()
    var rel = Set(PythonString.words(try given(3).map(evaluation.text) ?? "", limit: -1))
    if bound[1]?.isTruthy ?? false { rel.insert("nofollow") }
    rel.insert("noopener")
    var text = " rel=\"\(Markup.escape(rel.sorted().joined(separator: " ")))\""
    if let target = given(2) { text += " target=\"\(Markup.escape(try evaluation.text(of: target)))\"" }
    attributes = text
  }

  func apply(_ text: String) -> String {
    var result = ""
    var word = String.UnicodeScalarView()
    for scalar in Markup.escape(text).unicodeScalars {
      if scalar.isPythonSpace {
        result += link(String(word))
        word = String.UnicodeScalarView()
        result.unicodeScalars.append(scalar)
      } else {
        word.append(scalar)
      }
    }
    return result + link(String(word))
  }

  private func link(_ word: String) -> String {
    var middle = word
    var head = ""
    var tail = ""
    while let opening = ["(", "&lt;"].first(where: { PythonString.hasPrefix(middle, $0) }) {
      head += opening
      middle = String(decoding: middle.utf8.dropFirst(opening.utf8.count), as: UTF8.self)
    }
    while let closing = [")", ".", ",", "&gt;"].first(where: { PythonString.hasSuffix(middle, $0) }) {
      tail = closing + tail
      middle = String(decoding: middle.utf8.dropLast(closing.utf8.count), as: UTF8.self)
    }
    let open = middle.utf8.count { $0 == UInt8(ascii: "(") } - middle.utf8.count { $0 == UInt8(ascii: ")") }
    if open > 0, PythonString.hasPrefix(tail, ")") {
      middle += ")"
      tail = String(tail.dropFirst())
    }
    return head + anchor(middle) + tail
  }

  private func anchor(_ text: String) -> String {
    let shown =
      limit.map { PythonString.length(text) > $0 ? PythonString.text(text.unicodeScalars.prefix($0)) + "..." : text }
      ?? text
    for scheme in ["https://", "http://"] where PythonString.hasPrefix(text, scheme) {
      return text.utf8.count > scheme.utf8.count ? "<a href=\"\(text)\"\(attributes)>\(shown)</a>" : text
    }
    if PythonString.hasPrefix(text, "www."), text.utf8.count > 4 || isDomain(text) {
      return "<a href=\"https://\(text)\"\(attributes)>\(shown)</a>"
    }
    if isDomain(text) { return "<a href=\"https://\(text)\"\(attributes)>\(shown)</a>" }
    if PythonString.hasPrefix(text, "mailto:") {
      let address = String(decoding: text.utf8.dropFirst(7), as: UTF8.self)
      return isMail(address) ? "<a href=\"\(text)\">\(address)</a>" : text
    }
    if isMail(text) { return "<a href=\"mailto:\(text)\">\(text)</a>" }
    return text
  }

  /// A bare host in one of the classic top-level domains.
  private func isDomain(_ text: String) -> Bool {
    let host = PythonString.split(text, "/", limit: 1)[0]
    guard
      [".com", ".net", ".int", ".edu", ".gov", ".org", ".info", ".mil"].contains(where: {
        PythonString.hasSuffix(host, $0)
      })
    else { return false }
    return host.utf8.allSatisfy { $0.isWordByte || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
  }

  private func isMail(_ text: String) -> Bool {
    let parts = PythonString.split(text, "@", limit: -1)
    guard parts.count == 2, !parts[0].isEmpty, !text.utf8.contains(UInt8(ascii: ":")) else { return false }
    let labels = PythonString.split(parts[1], ".", limit: -1)
    return labels.count > 1 && labels.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0.isWordByte || $0 == 0x2d } }
  }
}
