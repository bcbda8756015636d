/// The failed end of a call: the server's status, or the status that stands for what happened on the way.
package struct GRPCError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The status code; never `.ok`.
  package var code: GRPCStatus
  /// The server's message, percent-decoded and without control characters, or ours when no server answered.
  package var message: String
  /// The bytes of `google.rpc.Status` from `grpc-status-details-bin`; empty when there are none.
  package var details: [UInt8]
  /// False only when it is certain that no server handled the request, so that a repetition cannot do it twice.
  package var mayHaveReachedServer: Bool
  /// What lies beneath (a TLS alert, a refused connection, a reset stream) and what to do about it.
  package var cause: String?

  package init(
    _ code: GRPCStatus, _ message: String, details: [UInt8] = [], mayHaveReachedServer: Bool, cause: String? = nil
  ) {
    self.code = code
    self.message = message
    self.details = details
    self.mayHaveReachedServer = mayHaveReachedServer
    self.cause = cause
  }

  package var description: String {
    let head = message.isEmpty ? code.name : "\(code.name): \(message)"
    return cause.map { "\(head) (\($0))" } ?? head
  }
}
