/// A message of the Temporal API as a plain value.
///
/// `init()` sets every field to its default. Fields that are absent on the wire and fields that hold their default
/// encode alike, as proto3 has it. Maps are written in the order of their keys, so equal values give equal bytes.
package protocol WireMessage: Sendable, Equatable {
  /// Full proto name, such as `temporal.api.common.v1.Payload`.
  static var fullName: String { get }

  /// The message with every field at its default.
  init()

  /// Decodes bytes that a peer sent. Unknown fields are skipped, unknown enum numbers are kept.
  ///
  /// Throws `WireError` when the bytes break the encoding or exceed `limits`; no input makes it trap.
  init(wire: [UInt8], limits: WireLimits) throws(WireError)

  /// Encodes the message. Throws `WireError` for text that holds a NUL and for messages beyond `limits`.
  func wire(limits: WireLimits) throws(WireError) -> [UInt8]
}

extension WireMessage {
  /// Decodes bytes that a peer sent, within the standard limits.
  package init(wire: [UInt8]) throws(WireError) {
    try self.init(wire: wire, limits: .standard)
  }

  /// Encodes the message within the standard limits.
  package func wire() throws(WireError) -> [UInt8] {
    try wire(limits: .standard)
  }

  /// Builds a message in place: `TaskQueue.with { $0.name = "dbt-tasks" }`.
  package static func with<Failure: Error>(_ set: (inout Self) throws(Failure) -> Void) throws(Failure) -> Self {
    var message = Self()
    try set(&message)
    return message
  }
}
