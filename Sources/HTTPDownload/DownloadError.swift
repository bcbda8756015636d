/// Why nothing was downloaded. The message names the address (without user, password and query), the cause and the fix.
package struct DownloadError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was wrong, for callers that decide by it.
  package enum Code: Sendable, Hashable {
    /// The address cannot be dialed, whatever the network is like.
    case malformedAddress
    /// The egress list does not admit the host or its address.
    case egressRefused
    /// The host has no address, or none that accepts a connection; the same for a proxy.
    case unreachable
    /// The two sides did not agree on TLS, or a certificate was not good.
    case untrusted
    /// The transfer took too long, stood still, or broke.
    case broken
    /// The server says that it is at fault, or that it is asked too much (5xx, 429).
    case serverFailed
    /// The server does not give this address to us (any other status).
    case statusRefused
    /// The answer is longer than was asked for, or leads from one address to the next.
    case tooLarge
    /// Whoever asked does not want it any more.
    case cancelled
    /// The system has no memory to give, or a file of the TLS settings cannot be used.
    case unusable
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }
}
