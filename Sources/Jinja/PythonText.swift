/// Python's `str()` and `repr()` of values, into a bounded buffer.
package struct PythonText {
  private(set) var output = ""
  /// Whether the text became longer than `limit` and was cut off.
  private(set) var isCutOff = false
  private let limit: Int
  private var open: [ObjectIdentifier] = []

  /// `limit` is in bytes.
  init(limit: Int = 256 << 20) { self.limit = limit }

  /// Python's repr of a string: single quotes unless it holds one and no double quote; escapes what does not print.
  package static func repr(_ text: String) -> String {
    var quote: Unicode.Scalar = "'"
    if text.utf8.contains(UInt8(ascii: "'")), !text.utf8.contains(UInt8(ascii: "\"")) { quote = "\"" }
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f && $0 != 0x27 && $0 != 0x5c }) { return "'" + text + "'" }
    var result = String(quote)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case quote:
        result += "\\"
        result.unicodeScalars.append(scalar)
      default:
        if scalar.isPythonPrintable {
          result.unicodeScalars.append(scalar)
        } else {
          result += escape(scalar)
        }
      }
    }
    result.unicodeScalars.append(quote)
    return result
  }

  /// Python's `ascii()` of a repr: everything beyond ASCII escaped.
  package static func ascii(_ repr: String) -> String {
    if PythonString.isASCII(repr) { return repr }
    return repr.unicodeScalars.map { $0.isASCII ? String($0) : escape($0) }.joined()
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    func padded(_ width: Int) -> String {
      let digits = String(scalar.value, radix: 16)
      return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
    if scalar.value < 0x100 { return "\\x" + padded(2) }
    return scalar.value < 0x10000 ? "\\u" + padded(4) : "\\U" + padded(8)
  }

  private mutating func put(_ text: String) {
    guard output.utf8.count + text.utf8.count <= limit else {
      isCutOff = true
      return
    }
    output += text
  }

  /// Appends `str(value)`.
  mutating func write(_ value: Value) {
    switch value {
    case .undefined: break
    case .string(let text): put(text)
    case .decimal(let number): put(number.text)
    case .object(let object): put(object.text)
    default: writeRepr(value)
    }
  }

  /// Appends `repr(value)`.
  mutating func writeRepr(_ value: Value) {
    if isCutOff { return }
    switch value {
    case .undefined: put("Undefined")
    case .none: put("None")
    case .bool(let flag): put(flag ? "True" : "False")
    case .int(let number): put(String(number))
    case .bigInt(let number): put(number.text)
    case .double(let number): put(number.pythonRepr)
    case .decimal(let number): put("Decimal('\(number.text)')")
    case .string(let text): put(Self.repr(text))
    case .list(let list): nested(ObjectIdentifier(list), "[", "]") { $0.writeItems(list.items) }
    case .tuple(let items):
      guard open.count < 200 else { return put("(...)") }
      put("(")
      writeItems(items)
      put(items.count == 1 ? ",)" : ")")
    case .dict(let dict): nested(ObjectIdentifier(dict), "{", "}") { $0.writePairs(dict.pairs) }
    case .object(let object):
      if let container = object as? any ReprWriting {
        nested(ObjectIdentifier(object), container.reprOpening, container.reprClosing) {
          container.writeRepr(&$0)
        }
      } else {
        put(object.repr)
      }
    }
  }

  /// Appends items separated by commas.
  mutating func writeItems(_ items: [Value]) {
    for (index, item) in items.enumerated() {
      if isCutOff { return }
      if index > 0 { put(", ") }
      writeRepr(item)
    }
  }

  private mutating func writePairs(_ pairs: [(key: Value, value: Value)]) {
    for (index, pair) in pairs.enumerated() {
      if isCutOff { return }
      if index > 0 { put(", ") }
      writeRepr(pair.key)
      put(": ")
      writeRepr(pair.value)
    }
  }

  /// Writes a container, or dots when it is inside itself or more than 200 levels down.
  private mutating func nested(
    _ identity: ObjectIdentifier, _ opening: String, _ closing: String, _ body: (inout PythonText) -> Void
  ) {
    guard open.count < 200, !open.contains(identity) else { return put(opening + "..." + closing) }
    open.append(identity)
    put(opening)
    body(&self)
    put(closing)
    open.removeLast()
  }
}

/// A container object whose repr is made of the reprs of its elements.
protocol ReprWriting: Object {
  var reprOpening: String { get }
  var reprClosing: String { get }
  func writeRepr(_ writer: inout PythonText)
}

extension ReprWriting {
  package var repr: String {
    var writer = PythonText()
    writer.writeRepr(.object(self))
    return writer.output
  }
}

extension Value {
  /// Python's `str(value)`; undefined prints as nothing. Cut off after 256 MiB; templates raise there instead.
  package var text: String {
    if case .string(let text) = self { return text }
    var writer = PythonText()
    writer.write(self)
    return writer.output
  }

  /// Python's `repr(value)`, cut off after a kilobyte: for messages.
  var shortRepr: String {
    var writer = PythonText(limit: 1024)
    writer.writeRepr(self)
    return writer.isCutOff ? writer.output + "..." : writer.output
  }

  /// Python's `repr(value)`; cut off after 256 MiB.
  package var repr: String {
    var writer = PythonText()
    writer.writeRepr(self)
    return writer.output
  }
}

extension Unicode.Scalar {
  /// Python's `str.isprintable` for one character.
  var isPythonPrintable: Bool {
    if isASCII { return value >= 0x20 && value < 0x7f }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }
}
