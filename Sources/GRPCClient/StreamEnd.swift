internal import HTTP2Client

/// What the loss of a stream means for the call on it (gRPC over HTTP/2, "Errors").
enum StreamEnd {
  /// The error of a call whose stream was reset before the response was complete.
  ///
  /// - Parameter isPastDeadline: whether the call's time is over; a server that enforces `grpc-timeout` itself cancels then.
  static func error(_ closure: HTTP2StreamClosure, isPastDeadline: Bool = false) -> GRPCError {
    if let reason = closure.localReason {
      return GRPCError(.resourceExhausted, reason, mayHaveReachedServer: true)
    }
    let isUnknown = !closure.isUnprocessed
    let cause = "the server reset the stream with \(closure.code)"
    switch closure.code {
    case .refusedStream where closure.isUnprocessed:
      return GRPCError(.unavailable, "the server took no more calls", mayHaveReachedServer: isUnknown, cause: cause)
    case .cancel where isPastDeadline:
      return GRPCError(.deadlineExceeded, "no response in time", mayHaveReachedServer: isUnknown, cause: cause)
    case .cancel:
      return GRPCError(.cancelled, "the server cancelled the call", mayHaveReachedServer: isUnknown, cause: cause)
    case .enhanceYourCalm:
      return GRPCError(
        .resourceExhausted, "the server asks for fewer calls", mayHaveReachedServer: isUnknown, cause: cause)
    case .inadequateSecurity:
      return GRPCError(
        .permissionDenied, "the server demands better TLS", mayHaveReachedServer: isUnknown, cause: cause)
    default:
      return GRPCError(.internal, "the call was broken off", mayHaveReachedServer: isUnknown, cause: cause)
    }
  }
}
