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
    switch self {
    case .null: "None"
    case .bool(let flag): flag ? "True" : "False"
    case .int(let number): String(number)
    case .double(let number):
      number.isNaN ? "nan" : number.isInfinite ? (number < 0 ? "-inf" : "inf") : number.pythonText
    case .string(let text): PlainValue.quoted(text)
    case .array(let items): "[" + items.map(\.pythonRepresentation).joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { PlainValue.quoted($0.key) + ": " + $0.value.pythonRepresentation }.joined(separator: ", ")
        + "}"
    }
  }

  /// What Python holds to be true: not null, false, zero or empty.
  package var isTruthy: Bool {
    switch self {
    case .null: false
    case .bool(let flag): flag
    case .int(let number): number != 0
    case .double(let number): number != 0
    case .string(let text): !text.isEmpty
    case .array(let items): !items.isEmpty
    case .object(let members): !members.isEmpty
    }
  }

  private static func quoted(_ text: String) -> String {
    if isPlain(text) { return "'\(text)'" }
    let mark: Unicode.Scalar = text.contains("'") && !text.contains("\"") ? "\"" : "'"
    var quoted = String(Character(mark))
    for scalar in text.unicodeScalars {
      switch scalar {
      case mark: quoted += "\\" + String(Character(scalar))
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7F || !isPrintable(scalar) {
          quoted += escaped(scalar)
        } else {
          quoted.unicodeScalars.append(scalar)
        }
      }
    }
    return quoted + String(Character(mark))
  }

  /// Whether a text is printable ASCII without quotes and backslashes, as most are.
  private static func isPlain(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x27 && $0 != 0x5C }
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
