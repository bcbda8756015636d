extension ProtoAny {
  private static let prefix = "type.googleapis.com/"

  /// Wraps a message under the type address that Temporal expects.
  package init<Message: WireMessage>(packing message: Message) throws(WireError) {
    self.init()
    typeURL = Self.prefix + Message.fullName
    value = try message.wire()
  }

  /// True when a message of this type is inside. Only what follows the last slash counts.
  package func holds<Message: WireMessage>(_ type: Message.Type) -> Bool {
    typeURL.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) == Message.fullName
  }

  /// The message inside. Throws `unexpectedType` when it is of another type, or what its bytes deserve.
  package func unpacked<Message: WireMessage>(
    as type: Message.Type = Message.self, limits: WireLimits = .standard
  ) throws(WireError) -> Message {
    guard holds(type) else {
      throw WireError(.unexpectedType, message: Message.fullName, "the value inside is of another type")
    }
    return try Message(wire: value, limits: limits)
  }
}
