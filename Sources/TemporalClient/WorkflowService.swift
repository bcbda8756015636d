package import GRPCClient
package import TemporalMessages

/// Typed calls to Temporal's WorkflowService over any carrier of unary calls.
///
/// Requests with an empty namespace, identity or request id get the service's own; a request id is made once and kept over
/// all attempts. Every attempt has a fresh deadline. Cancelling the task cancels the attempt and ends the call with
/// `.cancelled`.
package struct WorkflowService: Sendable {
  /// Namespace of requests that name none.
  package let namespace: String
  /// Who calls, for people: process id and host by convention.
  package let identity: String
  /// Bounds on answers.
  package var limits = WireLimits.standard
  /// Told about every attempt. Must be quick.
  package var onAttempt: (@Sendable (CallAttempt) -> Void)?
  /// Where new request ids and waits come from.
  package let timing: CallTiming

  private let caller: any UnaryCaller
  private let metadata: [(name: String, value: String)]

  /// - Parameters:
  ///   - caller: the channel; it adds the API key.
  ///   - clientVersion: shown by the server; any text, as the server does not know `sallyport` by name.
  package init(
    caller: any UnaryCaller, namespace: String, identity: String, clientVersion: String = "0.1.0",
    timing: CallTiming = .system
  ) {
    self.caller = caller
    self.namespace = namespace
    self.identity = identity
    self.timing = timing
    // With the feature, a close event names the run that follows it instead of being disguised as another event.
    metadata = [
      ("client-name", "sallyport"), ("client-version", clientVersion), ("supported-features", "follows-next-run-id"),
    ]
  }

  func call<Request, Response>(
    _ method: ServiceMethod<Request, Response>, _ request: Request, _ options: CallOptions
  ) async throws(ServiceError) -> Response {
    let request = completed(request)
    let message: [UInt8]
    do {
      message = try request.wire()
    } catch {
      throw ServiceError(
        method: method.name, origin: .request, code: .invalidArgument,
        message: "the request cannot be encoded: \(error)", mayHaveReachedServer: false, attempts: 0)
    }
    let call = GRPCCall(
      path: method.path, message: message, metadata: headers(for: request) + options.metadata,
      timeout: options.timeout ?? method.timeout, isLongPoll: method.isLongPoll)
    let answer = try await send(call, method: method.name, retry: options.retry ?? method.retry)
    do {
      return try Response(wire: answer, limits: limits)
    } catch {
      throw ServiceError(
        method: method.name, origin: .response, code: .internal, message: "the answer cannot be decoded: \(error)")
    }
  }

  private func completed<Request: WireMessage>(_ request: Request) -> Request {
    var request = request
    if var named = request as? any NamespacedRequest, named.namespace.isEmpty, !(request is DescribeNamespaceRequest) {
      named.namespace = namespace
      request = named as? Request ?? request
    }
    if var named = request as? any IdentifiedRequest, named.identity.isEmpty {
      named.identity = identity
      request = named as? Request ?? request
    }
    if var named = request as? any RepeatableRequest, named.requestID.isEmpty {
      named.requestID = timing.newID()
      request = named as? Request ?? request
    }
    return request
  }

  private func headers<Request: WireMessage>(for request: Request) -> [(name: String, value: String)] {
    guard let named = request as? any NamespacedRequest, !named.namespace.isEmpty else { return metadata }
    return metadata + [("temporal-namespace", named.namespace)]
  }

  private func send(
    _ call: GRPCCall, method: String, retry: CallRetryPolicy
  ) async throws(ServiceError) -> [UInt8] {
    var schedule = RetrySchedule(policy: retry)
    while true {
      let start = timing.now()
      let failure: GRPCError
      do throws(GRPCError) {
        let answer = try await caller.call(call)
        report(method, schedule.failures + 1, since: start, nil, nil)
        return answer
      } catch {
        failure = error
      }
      let isOver = Task.isCancelled
      let wait = isOver ? nil : schedule.wait(after: failure, now: timing.now(), chance: timing.chance())
      let attempts = isOver ? schedule.failures + 1 : schedule.failures
      report(method, attempts, since: start, failure, wait)
      guard let wait else { throw ServiceError(failure, method: method, attempts: attempts) }
      do {
        try await timing.sleep(wait)
      } catch {
        throw ServiceError(
          method: method, origin: .call, code: .cancelled, message: "cancelled while waiting for another attempt",
          mayHaveReachedServer: failure.mayHaveReachedServer, cause: failure.description, attempts: attempts)
      }
    }
  }

  private func report(_ method: String, _ number: Int, since start: Duration, _ error: GRPCError?, _ wait: Duration?) {
    onAttempt?(
      CallAttempt(
        method: method, number: number, duration: timing.now() - start, code: error?.code ?? .ok, error: error,
        wait: wait))
  }
}
