import OrderedCollections
import PlainData

/// Reads the first `config(…)` call of a template as text, for comparing configurations as they were written.
enum ConfigCallText {
  /// The keyword arguments: constant texts without their quotes, everything else as written. nil without such a call.
  static func settings(in code: String) -> PlainObject? {
    guard let start = call(in: code) else { return nil }
    var settings = PlainObject()
    for argument in arguments(code[start...]) {
      guard let equals = argument.firstIndex(of: "="), argument[argument.index(after: equals)...].first != "=" else {
        continue
      }
      let key = String(argument[..<equals]).trimmed
      let value = String(argument[argument.index(after: equals)...]).trimmed
      guard !key.isEmpty, key.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else { continue }
      settings[key] = .string(constant(value) ?? normalized(value))
    }
    return settings.isEmpty ? nil : settings
  }

  /// The place after `config(` inside a `{{ … }}`.
  private static func call(in code: String) -> String.Index? {
    let bytes = code.utf8
    var at = bytes.startIndex
    var before: UInt8?
    while at < bytes.endIndex {
      guard bytes[at...].starts(with: "config".utf8) else {
        if !isBlank(bytes[at]), bytes[at] != UInt8(ascii: "-") { before = bytes[at] }
        at = bytes.index(after: at)
        continue
      }
      at = bytes.index(at, offsetBy: 6)
      let rest = bytes[at...].drop(while: isBlank)
      if rest.first == UInt8(ascii: "("), let before, "{%=".utf8.contains(before) {
        return bytes.index(after: rest.startIndex)
      }
      before = UInt8(ascii: "g")
    }
    return nil
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func arguments(_ text: Substring) -> [Substring] {
    var parts: [Substring] = []
    var start = text.startIndex
    var depth = 0
    var quote: UInt8?
    let bytes = text.utf8
    for index in bytes.indices {
      let byte = bytes[index]
      if let open = quote {
        if byte == open { quote = nil }
        continue
      }
      switch byte {
      case UInt8(ascii: "'"), UInt8(ascii: "\""): quote = byte
      case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
        depth -= 1
        if depth < 0 {
          parts.append(text[start..<index])
          return parts
        }
      case UInt8(ascii: ",") where depth == 0:
        parts.append(text[start..<index])
        start = bytes.index(after: index)
      default: break
      }
    }
    return parts
  }

  /// The contents of one quoted text; nil for anything else.
  private static func constant(_ text: String) -> String? {
    guard let first = text.first, first == "'" || first == "\"", text.count >= 2, text.last == first else { return nil }
    let inner = text.dropFirst().dropLast()
    return inner.contains(first) || inner.contains("\\") ? nil : String(inner)
  }

  /// The expression as dbt puts it together again: on one line, one blank after commas and colons, literals in Python's
  /// notation.
  private static func normalized(_ text: String) -> String {
    var result = ""
    var word = ""
    var quoted: (mark: Character, text: String)?
    func finish() {
      let names = ["true": "True", "false": "False", "none": "None"]
      result += names[word] ?? word
      word = ""
    }
    for character in text {
      if let open = quoted {
        if character == open.mark {
          result += PlainValue.string(open.text).pythonRepresentation
          quoted = nil
        } else {
          quoted?.text.append(character)
        }
        continue
      }
      switch character {
      case "'", "\"":
        finish()
        quoted = (character, "")
      case _ where character.isLetter || character.isNumber || character == "_": word.append(character)
      case _ where character.isWhitespace:
        finish()
        if let last = result.last, !"([{ ".contains(last) { result.append(" ") }
      default:
        finish()
        if ")]},:".contains(character), result.last == " " { result.removeLast() }
        result.append(character)
        if character == "," || character == ":" { result.append(" ") }
      }
    }
    finish()
    return result.replacing(", ]", with: "]").replacing(", }", with: "}")
  }
}
