internal import CLinux
package import Egress

/// A failure of the loop itself or of the sockets it opens: a fault of the environment, or of the configuration when the
/// egress policy or the proxy refuses.
package struct EventLoopError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What failed.
  package enum Code: Sendable, Hashable {
    /// The system would not start another thread.
    case threadRefused
    /// The system would not give a descriptor (epoll, eventfd or a socket), or would not watch one.
    case descriptorRefused
    /// The host name has no address.
    case nameNotResolved
    /// No address of the host answered; the message lists every attempt.
    case connectFailed
    /// The time allowed for resolving and connecting ran out.
    case connectTimedOut
    /// The attempt was cancelled by its owner.
    case cancelled
    /// The egress policy does not admit the destination, or any of its addresses; nothing was dialed.
    case egressRefused
    /// The proxy refused the tunnel, or is none; the message says what it answered.
    case proxyFailed
  }

  /// What of a destination the egress policy did not admit.
  package enum Refusal: String, Sendable, Hashable {
    case name, address, socket
  }

  /// What failed.
  package let code: Code
  /// A sentence for people, without secrets.
  package let message: String
  /// Whether the same attempt may succeed later though nobody changes any configuration.
  package let isTransient: Bool
  /// What was refused; nil unless the code is `egressRefused`.
  package let reason: Refusal?

  package init(_ code: Code, _ message: String, isTransient: Bool = true, reason: Refusal? = nil) {
    self.code = code
    self.message = message
    self.isTransient = isTransient
    self.reason = reason
  }

  /// A refusal by the egress policy.
  package init(refusal error: EgressError) {
    let reason: Refusal =
      switch error.code {
      case .addressNotAllowed: .address
      case .socketNotAllowed: .socket
      default: .name
      }
    self.init(.egressRefused, error.message, isTransient: error.isTransient, reason: reason)
  }

  /// A failure of the proxy, or of what it is asked with.
  package init(proxy error: EgressError) {
    self.init(.proxyFailed, error.message, isTransient: error.isTransient)
  }

  /// A failure reported by the system, with its error number spelled out.
  package init(_ code: Code, systemError: Int32) {
    self.init(code, SystemErrorText.describe(systemError))
  }

  package var description: String { message }
}

/// Words for the error numbers of the C library.
package enum SystemErrorText {
  /// The system's text for an error number, such as "Connection refused".
  package static func describe(_ number: Int32) -> String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      unsafe buffer.initialize(repeating: 0)
      guard let base = buffer.baseAddress else { return "error \(number)" }
      unsafe sly_error_text(number, base, 256)
      return unsafe String(cString: base)
    }
  }
}
