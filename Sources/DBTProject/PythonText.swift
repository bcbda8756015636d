import OrderedCollections
package import PlainData

extension PlainValue {
  /// What Python's `str()` gives for the value: strings as they are, everything else as `repr`.
  package var pythonText: String {
    if case .string(let text) = self { return text }
    return pythonRepresentation
  }

  /// What Python's `repr()` gives for the value.
  package var pythonRepresentation: String {
    var text = ""
    appendRepresentation(to: &text)
    return text
  }

  private func appendRepresentation(to text: inout String) {
    switch self {
    case .null: text += "None"
    case .bool(let flag): text += flag ? "True" : "False"
    case .int(let number): text += String(number)
    case .double(let number):
      text += number.isNaN ? "nan" : number.isInfinite ? (number < 0 ? "-inf" : "inf") : number.pythonText
    case .string(let string): PlainValue.appendQuoted(string, to: &text)
    case .array(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += ", " }
        item.appendRepresentation(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.elements.enumerated() {
        if index > 0 { text += ", " }
        PlainValue.appendQuoted(member.key, to: &text)
        text += ": "
        member.value.appendRepresentation(to: &text)
      }
      text += "}"
    }
  }

  /// Appends a text as a literal, in double quotes when it holds single ones only.
  static func appendQuoted(_ string: String, to text: inout String) {
    var hasSingle = false
    var hasDouble = false
    var isPlain = true
    for byte in string.utf8 {
      hasSingle = hasSingle || byte == 0x27
      hasDouble = hasDouble || byte == 0x22
      isPlain = isPlain && (0x20...0x7E).contains(byte) && byte != 0x5C
    }
    let isDouble = hasSingle && !hasDouble
    let mark = isDouble ? "\"" : "'"
    text += mark
    if isPlain && !(hasSingle && hasDouble) {
      text += string
    } else {
      for scalar in string.unicodeScalars { text += escaped(scalar, isDouble ? "\"" : "'") }
    }
    text += mark
  }

  private static func escaped(_ scalar: Unicode.Scalar, _ mark: Unicode.Scalar) -> String {
    switch scalar {
    case mark, "\\": "\\" + String(Character(scalar))
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    default: isPrintable(scalar) ? String(Character(scalar)) : escaped(scalar)
    }
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    case .spaceSeparator: scalar == " "
    default: true
    }
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16)
    let (mark, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
    return "\\" + mark + String(repeating: "0", count: width - digits.count) + digits
  }
}
