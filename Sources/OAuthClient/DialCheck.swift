/// Which destinations may be dialed. Asked twice: with the name before it is resolved, and with each address before a
/// connection to it is opened, so that a name that resolves elsewhere does not pass. With a proxy, name and addresses are
/// the proxy's, and the endpoint is asked about as the tunnel's end. Called on any thread.
package protocol DialCheck: Sendable {
  /// Nil when the name (or address literal) may be dialed at this port, else a sentence that names the missing rule.
  func refusal(ofName name: String, port: Int) -> String?
  /// Nil when this numeric address, found for `name`, may be dialed, else a sentence that names the missing rule.
  func refusal(ofAddress address: String, port: Int, for name: String) -> String?
  /// Nil when a proxy may be asked for this name, which the proxy resolves, else a sentence that names the missing rule.
  func refusal(ofTunnelTo name: String, port: Int) -> String?
}

/// Everything may be dialed.
package struct OpenDialing: DialCheck {
  package init() {}
  package func refusal(ofName name: String, port: Int) -> String? { nil }
  package func refusal(ofAddress address: String, port: Int, for name: String) -> String? { nil }
  package func refusal(ofTunnelTo name: String, port: Int) -> String? { nil }
}
