/// Why a destination may not be dialed, why a setting about the way out cannot be read, or what a proxy answered.
package struct EgressError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was wrong, for callers that decide by it.
  package enum Code: Sendable, Hashable {
    /// An entry of a setting cannot be read. A fault of the configuration.
    case malformedSetting
    /// No rule admits the name on that port.
    case nameNotAllowed
    /// No rule admits the address on that port, or a name leads to an address where no name may lead.
    case addressNotAllowed
    /// No rule admits the unix socket.
    case socketNotAllowed
    /// The proxy wants a user and password, or other ones than it got (407, 401).
    case proxyCredentials
    /// The proxy does not let this destination pass (403 and other answers that waiting does not change).
    case proxyForbids
    /// The proxy could not reach the destination, or is not well itself (5xx). Another attempt may succeed.
    case proxyUnavailable
    /// What stands at the proxy's address does not speak HTTP/1, says too much, or ended the connection.
    case proxyProtocol
    /// The proxy's password cannot be read or sent.
    case proxyPassword
  }

  /// What was wrong.
  package let code: Code
  /// A sentence for people, without secrets: the thing, the reason and the fix.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// Whether the same attempt may succeed later though nobody changes any configuration here.
  package var isTransient: Bool {
    switch code {
    case .proxyUnavailable, .proxyProtocol: true
    case .malformedSetting, .nameNotAllowed, .addressNotAllowed, .socketNotAllowed, .proxyCredentials, .proxyForbids,
      .proxyPassword:
      false
    }
  }

  package var description: String { message }
}
