internal import HTTP2Client

/// What a server sent beside the message: the fields of the response's headers and trailers.
package struct GRPCMetadata: Sendable, Hashable {
  /// One field, as received.
  package struct Field: Sendable, Hashable {
    /// Lower-case name.
    package let name: String
    /// The value, with bytes that are not UTF-8 replaced.
    package let value: String
  }

  /// Fields before the message, in order.
  package internal(set) var headers: [Field] = []
  /// Fields after it, in order; all of them when the server sent a status only.
  package internal(set) var trailers: [Field] = []

  /// The values of every field of that name, headers first. A name may occur any number of times.
  package func values(of name: String) -> [String] {
    (headers + trailers).filter { $0.name == name }.map(\.value)
  }

  /// The decoded values of a field whose name ends in `-bin`. Values that a gateway joined with commas are taken apart;
  /// what is not base64 is left out.
  package func binaryValues(of name: String) -> [[UInt8]] {
    values(of: name).flatMap { GRPCText.binaryValues($0) }
  }

  /// Copies fields of a block.
  static func fields(_ block: [HTTP2ResponseField]) -> [Field] { block.map { Field(name: $0.name, value: $0.value) } }
}
