import EventLoop
import Foundation
import Logging
import Secrets
import Synchronization

@testable import OAuthClient

/// A token endpoint without a network: answers as told, and can be held.
final class ScriptedIssuer: TokenIssuer {
  private struct State {
    var answer: Result<TokenGrant, OAuthError>
    var requests = 0
    var isHeld = false
    var hasNewCredentials = false
    var looks = 0
  }

  private let state: Mutex<State>

  init(_ answer: Result<TokenGrant, OAuthError>, isHeld: Bool = false) {
    state = Mutex(State(answer: answer, isHeld: isHeld))
  }

  var requests: Int { state.withLock { $0.requests } }
  var looks: Int { state.withLock { $0.looks } }

  func answer(_ answer: Result<TokenGrant, OAuthError>) { state.withLock { $0.answer = answer } }
  func release() { state.withLock { $0.isHeld = false } }
  func replaceCredentials() { state.withLock { $0.hasNewCredentials = true } }

  func grant() -> Result<TokenGrant, OAuthError> {
    state.withLock { $0.requests += 1 }
    for _ in 0..<6_000 where state.withLock({ $0.isHeld }) { usleep(5_000) }
    return state.withLock { $0.answer }
  }

  func hasNewCredentials() -> Bool {
    state.withLock { state in
      state.looks += 1
      return state.hasNewCredentials
    }
  }
}

/// A clock that tests turn.
final class TurnedClock: Sendable {
  private let nanoseconds = Mutex<Int64>(1_000_000_000)

  var now: MonotonicTime { MonotonicTime(nanoseconds: nanoseconds.withLock { $0 }) }

  func turn(_ seconds: Double) { nanoseconds.withLock { $0 += Int64(seconds * 1e9) } }
}

/// Keeps the lines of a log.
final class KeptLog: Sendable {
  private let kept = Mutex<[String]>([])

  var lines: [String] { kept.withLock { $0 } }

  var logger: Logger {
    var logger = Logger(label: "oauth-test") { _ in Handler(log: self) }
    logger.logLevel = .trace
    return logger
  }

  private struct Handler: LogHandler {
    let log: KeptLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      log.kept.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
    }
  }
}

extension Result where Success == TokenGrant, Failure == OAuthError {
  static func token(_ text: String, lifetime: Int? = 3_600) -> Self {
    .success(TokenGrant(token: SharedSecret(copying: text.utf8), lifetime: lifetime.map { .seconds($0) }))
  }

  static func refused(_ code: OAuthError.Code) -> Self { .failure(OAuthError(code, "scripted \(code)")) }
}
