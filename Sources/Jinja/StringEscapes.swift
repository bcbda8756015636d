/// Python's escapes in string literals.
enum StringEscapes {
  /// What was wrong with an escape.
  struct Fault: Error {
    let message: String
  }

  /// Replaces escapes; unknown ones keep their backslash. In bytes, escapes for characters beyond ASCII are not known.
  static func decode(_ text: String, inBytes: Bool = false) throws(Fault) -> String {
    let scalars = Array(text.unicodeScalars)
    var result = String.UnicodeScalarView()
    var at = 0
    while at < scalars.count {
      let scalar = scalars[at]
      at += 1
      guard scalar == "\\", at < scalars.count else {
        result.append(scalar)
        continue
      }
      let code = scalars[at]
      at += 1
      if code == "\n" {
        continue
      } else if let plain = simple[code] {
        result.append(plain)
      } else if ("0"..."7").contains(code) {
        var value = code.value - 48
        var count = 1
        while count < 3, at < scalars.count, ("0"..."7").contains(scalars[at]) {
          value = value * 8 + scalars[at].value - 48
          at += 1
          count += 1
        }
        result.append(Unicode.Scalar(value) ?? "\u{FFFD}")
      } else if let width = widths[code], code == "x" || !inBytes {
        result.append(try hexadecimal(scalars, &at, code, width))
      } else if code == "N", !inBytes {
        result.append(contentsOf: try named(scalars, &at))
      } else {
        result.append("\\")
        result.append(code)
      }
    }
    return String(result)
  }

  private static let simple: [Unicode.Scalar: Unicode.Scalar] = [
    "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{07}", "b": "\u{08}", "f": "\u{0c}",
    "v": "\u{0b}",
  ]
  private static let widths: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]

  private static func hexadecimal(
    _ scalars: [Unicode.Scalar], _ at: inout Int, _ code: Unicode.Scalar, _ width: Int
  ) throws(Fault) -> Unicode.Scalar {
    var value: UInt32 = 0
    for _ in 0..<width {
      guard at < scalars.count, scalars[at].isASCII,
        let digit = BigInteger.digit(UInt8(truncatingIfNeeded: scalars[at].value)), digit < 16
      else { throw Fault(message: "truncated \\\(code) escape in string") }
      value = value << 4 | UInt32(digit)
      at += 1
    }
    guard value <= 0x10FFFF else { throw Fault(message: "illegal Unicode character in string") }
    // Halves of surrogate pairs cannot stand in a string here.
    return Unicode.Scalar(value) ?? "\u{FFFD}"
  }

  /// `\N{NAME}`.
  private static func named(_ scalars: [Unicode.Scalar], _ at: inout Int) throws(Fault) -> String.UnicodeScalarView {
    guard at < scalars.count, scalars[at] == "{", let end = scalars[at...].prefix(120).firstIndex(of: "}") else {
      throw Fault(message: "malformed \\N character escape")
    }
    let name = PythonString.upper(PythonString.text(scalars[(at + 1)..<end]))
    at = end + 1
    guard let scalar = names[name] else { throw Fault(message: "unknown Unicode character name") }
    return String.UnicodeScalarView([scalar])
  }

  /// Every character's name and alias, made at the first `\\N` of the process.
  private static let names: [String: Unicode.Scalar] = {
    var names: [String: Unicode.Scalar] = [:]
    for value in UInt32(0x20)...0x2FA1F {
      guard let scalar = Unicode.Scalar(value) else { continue }
      if let name = scalar.properties.name { names[name] = scalar }
      if let alias = scalar.properties.nameAlias, names[alias] == nil { names[alias] = scalar }
    }
    return names
  }()
}
