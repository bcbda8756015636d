internal import EventLoop
package import Logging
internal import Metrics
package import Secrets
internal import Synchronization

/// An API key in a mounted file that may be replaced at any time: `Bearer` and the file's content.
///
/// The file is looked at on a thread of its own at most once in `freshness`, and before a value older than twice that is
/// handed out; so a new key is in use within two seconds. A file that is missing or damaged leaves the last good key in
/// use. Callers wait for a look that is under way, but no longer than the file system takes to answer in good health:
/// while a look hangs, the last good key is handed out.
package final class KeyFileAuthorization: AuthorizationSource {
  /// What the last look found and who waits for the one under way.
  private struct Record {
    var value: SharedSecret?
    var failure: GRPCError?
    var lookedAt: MonotonicTime?
    var lookBegan: MonotonicTime?
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  /// For how long a value is handed out without a new look.
  private static let freshness: Duration = .seconds(1)
  /// A look that takes longer than this hangs.
  private static let longestLook: Duration = .seconds(5)

  private let file: SecretFile
  private let logger: Logger
  private let record = Mutex(Record())

  /// Reads nothing yet.
  package init(path: String, logger: Logger) {
    file = SecretFile(path: path)
    self.logger = logger
  }

  package func current() async throws(GRPCError) -> SharedSecret {
    let now = MonotonicTime.now()
    let (value, age) = record.withLock { ($0.value, $0.lookedAt.map { now - $0 }) }
    if let value, let age {
      if age < Self.freshness { return value }
      if age < Self.freshness + Self.freshness || isLookHanging(now) {
        beginLook()
        return value
      }
    }
    await look()
    return try outcome()
  }

  package func replacement(for refused: SharedSecret) async throws(GRPCError) -> SharedSecret? {
    // Another call may have learnt of the new key while this one was under way.
    if let value = record.withLock({ $0.value }), !value.matches(refused) { return value }
    // A look that began before the refusal may have read the old key.
    await look()
    if let value = record.withLock({ $0.value }), !value.matches(refused) { return value }
    await look()
    let value = try outcome()
    return value.matches(refused) ? nil : value
  }

  private func outcome() throws(GRPCError) -> SharedSecret {
    let (value, failure) = record.withLock { ($0.value, $0.failure) }
    if let value { return value }
    throw failure
      ?? GRPCError(
        .unavailable, "no API key", mayHaveReachedServer: false, cause: "'\(file.path)' has not been read")
  }

  private func isLookHanging(_ now: MonotonicTime) -> Bool {
    record.withLock { record in record.lookBegan.map { now - $0 > Self.longestLook } ?? false }
  }

  /// Waits for a look at the file: the one under way, or a new one.
  private func look() async {
    await withCheckedContinuation { continuation in
      record.withLock { $0.waiters.append(continuation) }
      beginLook()
    }
  }

  /// Begins a look on a thread of its own unless one is under way.
  private func beginLook() {
    let isFirst = record.withLock { record in
      guard record.lookBegan == nil else { return false }
      record.lookBegan = .now()
      return true
    }
    guard isFirst else { return }
    do throws(EventLoopError) {
      try OperatingSystemThread.start("api-key") { self.finish(BearerKey.read(self.file)) }
    } catch {
      let cause = "the system gives no thread to read '\(file.path)'"
      finish(.failure(GRPCError(.unavailable, "no API key", mayHaveReachedServer: false, cause: cause)))
    }
  }

  private func finish(_ result: Result<SharedSecret, GRPCError>) {
    let (waiters, isNew, fault) = record.withLock { record in
      let waiters = record.waiters
      record.waiters = []
      record.lookBegan = nil
      record.lookedAt = .now()
      var isNew = false
      var fault: GRPCError?
      switch result {
      case .success(let value):
        isNew = record.value.map { !$0.matches(value) } ?? false
        record.value = value
        record.failure = nil
      case .failure(let error):
        if record.failure != error { fault = error }
        record.failure = error
      }
      return (waiters, isNew, fault)
    }
    if isNew {
      logger.notice("API key replaced", metadata: ["file": "\(file.path)"])
      Self.count("success")
    }
    if let fault {
      Self.count("invalid")
      logger.warning(
        "API key file not usable, keeping the last key", metadata: ["error": "\(fault.cause ?? fault.message)"])
    }
    for waiter in waiters { waiter.resume() }
  }

  private static func count(_ result: String) {
    Counter(label: "sallyport_rotations_total", dimensions: [("kind", "api_key"), ("result", result)]).increment()
  }
}
