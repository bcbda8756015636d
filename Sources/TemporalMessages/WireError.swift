/// Why bytes are not a message, or why a message cannot become bytes.
///
/// It never holds the bytes or the text in question: they may be secret.
package struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was wrong.
  package enum Code: Sendable, Equatable {
    /// The bytes break the protobuf encoding. The peer is at fault.
    case malformed
    /// Text on the wire is not UTF-8. The peer is at fault.
    case invalidText
    /// Text holds a NUL, which C strings cannot carry. The peer's fault in decoding, the caller's in encoding.
    case innerNUL
    /// A bound of `WireLimits` was exceeded; the name of the limit is given.
    case limit(String)
    /// An `Any` holds another type than the one asked for.
    case unexpectedType
  }

  /// What was wrong.
  package let code: Code
  /// Full proto name of the message, or the empty string.
  package let message: String
  /// Proto name of the field, or the empty string.
  package let field: String
  /// Byte offset at which decoding stopped.
  package let offset: Int?
  /// A sentence for people.
  package let reason: String

  init(_ code: Code, message: String = "", field: String = "", offset: Int? = nil, _ reason: String) {
    self.code = code
    self.message = message
    self.field = field
    self.offset = offset
    self.reason = reason
  }

  package var description: String {
    var text = reason
    if !message.isEmpty { text += " in \(message)" }
    if !field.isEmpty { text += ", field \(field)" }
    if let offset { text += ", at byte \(offset)" }
    return text
  }
}
