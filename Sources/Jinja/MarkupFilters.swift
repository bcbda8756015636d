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
      return evaluation.captured(try Links(bound, evaluation).apply(try evaluation.text(of: value)))
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
      throw JinjaError(.attribute, "'\(value.typeName)' object has no attribute 'items'")
    }
    var parts: [String] = []
    for (key, value) in dict.pairs where !value.isNone && !value.isUndefined {
      let name = try key.requireString("xmlattr")
      if name.utf8.contains(where: { $0.isSpaceByte || $0 == 0x2f || $0 == 0x3e || $0 == 0x3d }) {
        throw JinjaError(.value, "Invalid character in attribute name: \(PythonText.repr(name))")
      }
      parts.append("\(Markup.escape(name))=\"\(try evaluation.escaped(value))\"")
    }
    let text = parts.joined(separator: " ")
    return evaluation.captured(spaced && !text.isEmpty ? " " + text : text)
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
