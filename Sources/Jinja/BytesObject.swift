/// Python's bytes, as far as templates meet them: what `str.encode` and `int.to_bytes` give.
package final class BytesObject: Object {
  package let bytes: [UInt8]
  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package var typeName: String { "bytes" }
  package var count: Int? { bytes.count }
  package var kinds: ValueKinds { [.sequence, .iterable] }
  package func iterate(_ evaluation: Evaluation) -> [Value]? { bytes.map { .int(Int($0)) } }
  package func isEqual(to other: any Object) -> Bool { (other as? BytesObject)?.bytes == bytes }
  package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

  package var repr: String {
    let quote = bytes.contains(0x27) && !bytes.contains(0x22) ? "\"" : "'"
    var text = "b" + quote
    for byte in bytes {
      switch byte {
      case 0x0a: text += "\\n"
      case 0x0d: text += "\\r"
      case 0x09: text += "\\t"
      case 0x5c: text += "\\\\"
      case 0x27 where quote == "'": text += "\\'"
      case 0x20...0x7e: text += String(decoding: CollectionOfOne(byte), as: UTF8.self)
      default: text += "\\x" + Self.hex(byte)
      }
    }
    return text + quote
  }

  private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    if case .object(let slice as SliceObject) = key {
      guard slice.isValid else { return nil }
      let part = try slice.apply(to: bytes.map { .int(Int($0)) }, evaluation)
      return .object(BytesObject(part.map { UInt8(truncatingIfNeeded: $0.intValue ?? 0) }))
    }
    guard let index = key.intValue ?? key.boolValue.map({ $0 ? 1 : 0 }) else { return nil }
    let position = index < 0 ? index + bytes.count : index
    return bytes.indices.contains(position) ? .int(Int(bytes[position])) : nil
  }

  package func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? {
    if let number = element.intValue {
      guard let byte = UInt8(exactly: number) else { throw JinjaError(.value, "byte must be in range(0, 256)") }
      return bytes.contains(byte)
    }
    guard case .object(let part as BytesObject) = element else {
      throw JinjaError(.type, "a bytes-like object is required, not '\(element.typeName)'")
    }
    return PythonString.find(part.bytes, in: bytes) != nil
  }

  package func compare(_ other: Value) throws -> Int? {
    guard case .object(let other as BytesObject) = other else { return nil }
    if bytes == other.bytes { return 0 }
    return bytes.lexicographicallyPrecedes(other.bytes) ? -1 : 1
  }

  package func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
    switch (operation, other) {
    case (.add, .object(let other as BytesObject)):
      return .object(BytesObject(reversed ? other.bytes + bytes : bytes + other.bytes))
    case (.add, _) where !reversed:
      throw JinjaError(.type, "can't concat \(other.typeName) to bytes")
    case (.multiply, _):
      guard let times = other.repetition else { return nil }
      guard times == 0 || bytes.count <= (16 << 20) / times else {
        throw JinjaError(.limit, "bytes are longer than 16 MiB")
      }
      return .object(BytesObject(Array([[UInt8]](repeating: bytes, count: times).joined())))
    default: return nil
    }
  }

  // MARK: Methods

  package func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    switch name {
    case "decode": return .object(NativeFunction(name) { [bytes] arguments, _ in try Self.decode(bytes, arguments) })
    case "hex": return .object(NativeFunction(name) { [bytes] arguments, _ in try Self.hex(bytes, arguments) })
    default:
      guard let method = MethodName(rawValue: name), Self.textLike.contains(method) else { return nil }
      return .object(NativeFunction(name) { [self] in try call(method, $0, $1) })
    }
  }

  /// Methods that bytes share with text; characters beyond ASCII have no case and no class.
  private static let textLike: Set<MethodName> = [
    .capitalize, .center, .count, .endswith, .expandtabs, .find, .index, .isalnum, .isalpha, .isascii, .isdigit,
    .islower, .isspace, .istitle, .isupper, .join, .ljust, .lower, .lstrip, .partition, .removeprefix, .removesuffix,
    .replace, .rfind, .rindex, .rjust, .rpartition, .rsplit, .rstrip, .split, .splitlines, .startswith, .strip,
    .swapcase, .title, .upper, .zfill,
  ]

  private static func hex(_ bytes: [UInt8], _ arguments: Arguments) throws -> Value {
    let separator = try arguments.bind("hex", ["sep?", "bytes_per_sep?"])[0]?.requireString("hex") ?? ""
    return .string(bytes.map(hex).joined(separator: separator))
  }

  /// Through text of one character a byte: the methods of text do the rest.
  private func call(_ method: MethodName, _ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    func text(_ value: Value) throws -> Value {
      switch value {
      case .object(let object as BytesObject): return .string(object.latin)
      case .string: throw JinjaError(.type, "a bytes-like object is required, not 'str'")
      case .tuple(let items): return .tuple(try items.map(text))
      case .list(let list): return .list(ListObject(try list.items.map(text)))
      default: return value
      }
    }
    var given = arguments
    given.positional = try given.positional.map(text)
    given.keywords = try given.keywords.map { ($0.name, try text($0.value)) }
    let isChanging: Set<MethodName> = [.lower, .upper, .capitalize, .title, .swapcase]
    guard isChanging.contains(method), bytes.contains(where: { $0 >= 0x80 }) else {
      return Self.bytes(try StringMethods(latin, evaluation).call(method, given))
    }
    // Only ASCII letters change.
    let changed = try bytes.split(whereSeparator: { $0 >= 0x80 }).map { part in
      try StringMethods(String(decoding: part, as: UTF8.self), evaluation).call(method, given)
    }
    var rest = changed[...]
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] >= 0x80 {
        result.append(bytes[index])
        index += 1
      } else if let part = rest.popFirst()?.stringValue {
        result += part.utf8
        index += part.utf8.count
      } else {
        break
      }
    }
    return .object(BytesObject(result))
  }

  private var latin: String { PythonString.text(bytes.map { Unicode.Scalar($0) }) }

  private static func bytes(_ value: Value) -> Value {
    switch value {
    case .string(let text):
      .object(BytesObject(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }))
    case .list(let list): .list(ListObject(list.items.map(bytes)))
    case .tuple(let items): .tuple(items.map(bytes))
    default: value
    }
  }
}

/// The character encodings templates may name.
enum TextEncoding {
  case utf8, ascii, latin1, utf16, utf32

  init(_ name: String) throws {
    switch PythonString.lower(name).filter({ $0 != "-" && $0 != "_" && $0 != " " }) {
    case "utf8", "u8", "utf": self = .utf8
    case "ascii", "usascii", "646": self = .ascii
    case "latin1", "iso88591", "l1", "latin", "cp819", "88591": self = .latin1
    case "utf16", "u16": self = .utf16
    case "utf32", "u32": self = .utf32
    default: throw JinjaError(.lookup, "unknown encoding: \(name)")
    }
  }

  var name: String {
    switch self {
    case .utf8: "utf-8"
    case .ascii: "ascii"
    case .latin1: "latin-1"
    case .utf16: "utf-16"
    case .utf32: "utf-32"
    }
  }
}

extension BytesObject {
  /// `str.encode`.
  static func encode(_ text: String, _ arguments: Arguments) throws -> Value {
    let bound = try arguments.bind("encode", ["encoding?", "errors?"])
    let encoding = try TextEncoding(try bound[0]?.requireString("encode") ?? "utf-8")
    let errors = try bound[1]?.requireString("encode") ?? "strict"
    switch encoding {
    case .utf8: return .object(BytesObject(Array(text.utf8)))
    case .utf16:
      return .object(
        BytesObject([0xff, 0xfe] + text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }))
    case .utf32:
      return .object(
        BytesObject(
          [0xff, 0xfe, 0, 0]
            + text.unicodeScalars.flatMap { scalar in
              (0..<4).map { UInt8(truncatingIfNeeded: scalar.value >> (8 * UInt32($0))) }
            }))
    case .ascii, .latin1: break
    }
    let limit: UInt32 = encoding == .ascii ? 0x80 : 0x100
    var bytes: [UInt8] = []
    for (position, scalar) in text.unicodeScalars.enumerated() {
      if scalar.value < limit {
        bytes.append(UInt8(scalar.value))
      } else if errors == "replace" {
        bytes.append(UInt8(ascii: "?"))
      } else if errors == "xmlcharrefreplace" {
        bytes += Array("&#\(scalar.value);".utf8)
      } else if errors == "backslashreplace" {
        bytes += Array(PythonText.ascii(String(scalar)).utf8)
      } else if errors != "ignore" {
        throw JinjaError(
          .encoding,
          "'\(encoding.name)' codec can't encode character \(PythonText.ascii(PythonText.repr(String(scalar)))) in "
            + "position \(position): ordinal not in range(\(limit))")
      }
    }
    return .object(BytesObject(bytes))
  }

  fileprivate static func decode(_ bytes: [UInt8], _ arguments: Arguments) throws -> Value {
    let bound = try arguments.bind("decode", ["encoding?", "errors?"])
    let encoding = try TextEncoding(try bound[0]?.requireString("decode") ?? "utf-8")
    let errors = try bound[1]?.requireString("decode") ?? "strict"
    func fault(_ position: Int, _ reason: String) -> JinjaError {
      JinjaError(
        .decoding,
        "'\(encoding.name)' codec can't decode byte 0x\(hex(bytes[position])) in position \(position): \(reason)")
    }
    var result = String.UnicodeScalarView()
    switch encoding {
    case .latin1: return .string(PythonString.text(bytes.map { Unicode.Scalar($0) }))
    case .ascii:
      for (position, byte) in bytes.enumerated() {
        if byte < 0x80 {
          result.append(Unicode.Scalar(byte))
        } else if errors == "replace" {
          result.append("\u{FFFD}")
        } else if errors != "ignore" {
          throw fault(position, "ordinal not in range(128)")
        }
      }
    case .utf8:
      if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
      var iterator = bytes.makeIterator()
      var decoder = UTF8()
      decoding: while true {
        switch decoder.decode(&iterator) {
        case .scalarValue(let scalar): result.append(scalar)
        case .emptyInput: break decoding
        case .error:
          guard errors == "replace" || errors == "ignore" else {
            let position = String(result).utf8.count
            throw fault(min(position, bytes.count - 1), "invalid start byte")
          }
          if errors == "replace" { result.append("\u{FFFD}") }
        }
      }
    case .utf16, .utf32: throw JinjaError(.lookup, "decoding from \(encoding.name) is not available")
    }
    return .string(String(result))
  }
}
