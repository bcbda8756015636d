/// One unary call: a request message to a method, to be answered within a time.
package struct GRPCCall: Sendable, Hashable {
  /// The method's path: `/package.Service/Method`.
  package var path: String
  /// The request message, serialized; the five-byte frame is put around it by the channel.
  package var message: [UInt8]
  /// Further headers: lower-case names; values of names that end in `-bin` are base64 already. The names that gRPC and
  /// HTTP/2 themselves use are refused.
  package var metadata: [(name: String, value: String)]
  /// How long the caller waits, counted from the call and enforced here too; also sent as `grpc-timeout`.
  package var timeout: Duration
  /// Whether the server is expected to hold the call for long. Such calls leave some streams free for the others.
  package var isLongPoll: Bool
  /// Whether `message` is compressed by gzip; set by `compressed()`.
  package var isCompressed = false
  /// Hears the response's metadata just before the call ends, when a response has come to its end. Runs on the event
  /// loop's thread: it must not block.
  package var onMetadata: (@Sendable (GRPCMetadata) -> Void)?

  package init(
    path: String, message: [UInt8] = [], metadata: [(name: String, value: String)] = [], timeout: Duration,
    isLongPoll: Bool = false
  ) {
    self.path = path
    self.message = message
    self.metadata = metadata
    self.timeout = timeout
    self.isLongPoll = isLongPoll
  }

  package static func == (left: GRPCCall, right: GRPCCall) -> Bool {
    left.path == right.path && left.isCompressed == right.isCompressed && left.message == right.message
      && left.timeout == right.timeout && left.metadata.elementsEqual(right.metadata) { $0 == $1 }
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(path)
    hasher.combine(message)
    hasher.combine(timeout)
  }
}

/// Whatever can carry a unary call: the channel, or a script in a test.
package protocol UnaryCaller: Sendable {
  /// Sends the request and waits for the response message.
  ///
  /// Cancelling the calling task resets the stream (CANCEL) and ends the call with `.cancelled`; a response that has been
  /// received whole wins over a cancellation that crosses it.
  func call(_ call: GRPCCall) async throws(GRPCError) -> [UInt8]
}
