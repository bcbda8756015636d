package import PlainData

/// Text marked as safe for HTML (`|safe`, `|escape`): behaves as a string, but is not escaped again.
package final class Markup: Object {
  package let content: String
  package init(_ content: String) { self.content = content }

  package var typeName: String { "Markup" }
  package var isTruthy: Bool { !content.utf8.isEmpty }
  package var text: String { content }
  package var repr: String { "Markup(\(PythonText.repr(content)))" }
  package var count: Int? { content.unicodeScalars.count }
  package var kinds: ValueKinds { [.string, .sequence, .iterable] }
  package func plain() -> PlainValue? { .string(content) }

  package func isEqual(to other: any Object) -> Bool { (other as? Markup)?.content == content }
  package func hash(into hasher: inout Hasher) { hasher.combine(content) }

  package func iterate(_ evaluation: Evaluation) -> [Value]? { content.unicodeScalars.map { .string(String($0)) } }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    guard let method = MethodName(rawValue: name), method.belongs(to: .string(content)) else { return nil }
    return .object(
      NativeFunction(name) { [content] in try MarkupMethods.call(method, of: content, $0, $1) })
  }

  /// The five HTML characters as entities.
  static func escape(_ text: String) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): bytes += Array("&amp;".utf8)
      case UInt8(ascii: "<"): bytes += Array("&lt;".utf8)
      case UInt8(ascii: ">"): bytes += Array("&gt;".utf8)
      case UInt8(ascii: "'"): bytes += Array("&#39;".utf8)
      case UInt8(ascii: "\""): bytes += Array("&#34;".utf8)
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
