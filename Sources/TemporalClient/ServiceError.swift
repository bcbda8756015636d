package import GRPCClient
package import TemporalMessages

/// The failed end of a call to the scheduler, after all attempts.
package struct ServiceError: Error, Sendable, CustomStringConvertible {
  /// Who is at fault.
  package enum Origin: Sendable, Hashable {
    /// The server answered with this status, or nothing got through to it.
    case call
    /// The request cannot be encoded; nothing was sent.
    case request
    /// The answer cannot be decoded.
    case response
    /// The answer is sound, and not one that the caller can go on with.
    case outcome
  }

  /// Name of the method, such as `StartWorkflowExecution`.
  package var method: String
  /// Who is at fault.
  package var origin: Origin
  /// The status code of gRPC.
  package var code: GRPCStatus
  /// The server's message, or ours.
  package var message: String
  /// What the server says beyond the code.
  package var detail: ServiceErrorDetail?
  /// True when the same call may succeed later.
  package var isRetryable: Bool
  /// False only when it is certain that no server handled the request.
  package var mayHaveReachedServer: Bool
  /// What lies beneath, such as a TLS alert, and what to do about it.
  package var cause: String?
  /// How often the call was sent.
  package var attempts: Int

  package init(
    method: String, origin: Origin, code: GRPCStatus, message: String, detail: ServiceErrorDetail? = nil,
    isRetryable: Bool = false, mayHaveReachedServer: Bool = true, cause: String? = nil, attempts: Int = 1
  ) {
    self.method = method
    self.origin = origin
    self.code = code
    self.message = message
    self.detail = detail
    self.isRetryable = isRetryable
    self.mayHaveReachedServer = mayHaveReachedServer
    self.cause = cause
    self.attempts = attempts
  }

  init(_ error: GRPCError, method: String, attempts: Int) {
    self.init(
      method: method, origin: .call, code: error.code, message: error.message,
      detail: ServiceErrorDetail(status: error.details),
      isRetryable: CallRetryPolicy.normal.codes.contains(error.code) || error.code == .deadlineExceeded,
      mayHaveReachedServer: error.mayHaveReachedServer, cause: error.cause, attempts: attempts)
  }

  package var description: String {
    var text = "\(method): \(code.name)"
    if !message.isEmpty { text += ": \(message)" }
    if let cause { text += " (\(cause))" }
    if attempts > 1 { text += ", after \(attempts) attempts" }
    return text
  }
}

/// Typed details of a failed call (`temporal.api.errordetails.v1`).
package enum ServiceErrorDetail: Sendable, Equatable {
  case workflowExecutionAlreadyStarted(WorkflowExecutionAlreadyStartedFailure)
  case namespaceNotFound(NamespaceNotFoundFailure)
  case namespaceInvalidState(NamespaceInvalidStateFailure)
  case namespaceNotActive(NamespaceNotActiveFailure)
  case notFound(NotFoundFailure)
  case queryFailed(QueryFailedFailure)
  case resourceExhausted(ResourceExhaustedFailure)
  case permissionDenied(PermissionDeniedFailure)
  case clientVersionNotSupported(ClientVersionNotSupportedFailure)
  case serverVersionNotSupported(ServerVersionNotSupportedFailure)
  case workflowNotReady
  case cancellationAlreadyRequested
  case newerBuildExists(NewerBuildExistsFailure)
  case multiOperationExecution(MultiOperationExecutionFailure)
  /// A detail of a type that this build does not know: its type address.
  case other(String)

  /// Reads the first detail of a `google.rpc.Status`. Nil when there is none or the bytes are broken: the code and the
  /// message still tell what happened.
  init?(status: [UInt8]) {
    guard !status.isEmpty, let status = try? RPCStatus(wire: status), let any = status.details.first,
      let detail = try? Self.read(any)
    else { return nil }
    self = detail
  }

  private static func read(_ any: ProtoAny) throws(WireError) -> ServiceErrorDetail {
    switch any.typeURL.split(separator: "/").last.map(String.init) {
    case WorkflowExecutionAlreadyStartedFailure.fullName: .workflowExecutionAlreadyStarted(try any.unpacked())
    case NamespaceNotFoundFailure.fullName: .namespaceNotFound(try any.unpacked())
    case NamespaceInvalidStateFailure.fullName: .namespaceInvalidState(try any.unpacked())
    case NamespaceNotActiveFailure.fullName: .namespaceNotActive(try any.unpacked())
    case NotFoundFailure.fullName: .notFound(try any.unpacked())
    case QueryFailedFailure.fullName: .queryFailed(try any.unpacked())
    case ResourceExhaustedFailure.fullName: .resourceExhausted(try any.unpacked())
    case PermissionDeniedFailure.fullName: .permissionDenied(try any.unpacked())
    case ClientVersionNotSupportedFailure.fullName: .clientVersionNotSupported(try any.unpacked())
    case ServerVersionNotSupportedFailure.fullName: .serverVersionNotSupported(try any.unpacked())
    case WorkflowNotReadyFailure.fullName: .workflowNotReady
    case CancellationAlreadyRequestedFailure.fullName: .cancellationAlreadyRequested
    case NewerBuildExistsFailure.fullName: .newerBuildExists(try any.unpacked())
    case MultiOperationExecutionFailure.fullName: .multiOperationExecution(try any.unpacked())
    default: .other(any.typeURL)
    }
  }
}
