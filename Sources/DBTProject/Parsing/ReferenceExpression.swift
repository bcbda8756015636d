import PlainData

/// A `ref(…)` or `source(…)` written as a bare expression in a property file.
package enum ReferenceExpression: Sendable, Hashable {
  case ref(RefArguments)
  case source(name: String, table: String)

  /// Reads the expression; nil when it is neither.
  package init?(_ text: String) {
    let text = text.trimmed
    guard let open = text.firstIndex(of: "("), text.last == ")" else { return nil }
    let name = String(text[..<open]).trimmed
    let inner = text[text.index(after: open)..<text.index(before: text.endIndex)]
    guard let arguments = ReferenceExpression.arguments(inner) else { return nil }
    switch name {
    case "ref":
      let positional = arguments.positional
      guard (1...2).contains(positional.count) else { return nil }
      self = .ref(
        RefArguments(
          name: positional[positional.count - 1], package: positional.count == 2 ? positional[0] : nil,
          version: arguments.version))
    case "source":
      guard arguments.positional.count == 2, arguments.version == nil else { return nil }
      self = .source(name: arguments.positional[0], table: arguments.positional[1])
    default: return nil
    }
  }

  /// Literals separated by commas: quoted texts, and `v=`/`version=` with a text or number.
  private static func arguments(_ text: Substring) -> (positional: [String], version: PlainValue?)? {
    var positional: [String] = []
    var version: PlainValue?
    for part in split(text) {
      let part = part.trimmed
      if let quoted = literal(part) {
        positional.append(quoted)
      } else if let equals = part.firstIndex(of: "=") {
        let key = String(part[..<equals]).trimmed
        let value = String(part[part.index(after: equals)...]).trimmed
        guard key == "v" || key == "version" else { return nil }
        if let text = literal(value) {
          version = .string(text)
        } else if let number = Int(value) {
          version = .int(number)
        } else if let number = Double(value) {
          version = .double(number)
        } else {
          return nil
        }
      } else {
        return nil
      }
    }
    return (positional, version)
  }

  private static func literal(_ text: String) -> String? {
    guard let first = text.first, first == "'" || first == "\"", text.count >= 2, text.last == first else { return nil }
    let inner = text.dropFirst().dropLast()
    return inner.contains(first) ? nil : String(inner)
  }

  /// The text cut at commas outside quotes.
  private static func split(_ text: Substring) -> [String] {
    var parts = [""]
    var quote: Character?
    for character in text {
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "'" || character == "\"" {
        quote = character
      } else if character == "," {
        parts.append("")
        continue
      }
      parts[parts.count - 1].append(character)
    }
    if parts.count > 1, let last = parts.last, last.trimmed.isEmpty { parts.removeLast() }
    return parts
  }
}
