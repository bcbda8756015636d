internal import CLinux

/// A failure of the loop itself or of the sockets it opens. Every case is a fault of the environment.
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
  }

  /// What failed.
  package let code: Code
  /// A sentence for people, without secrets.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
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
