internal import TLSClient

/// Rules about a channel's configuration that need no connection to be checked.
enum ChannelPolicy {
  /// Why a configuration must not be used; nil when it may.
  static func refusal(of configuration: ChannelConfiguration) -> String? {
    guard !configuration.host.isEmpty, (1...65_535).contains(configuration.port) else {
      return "'\(configuration.host):\(configuration.port)' is not an address: give host:port"
    }
    let hosts = [configuration.host] + configuration.alternatives.map(\.host)
    guard configuration.tls == nil, let remote = hosts.first(where: { !isLoopback($0) }) else { return nil }
    if configuration.apiKeyFile != nil || configuration.apiKey != nil || configuration.authorization != nil {
      return "an API key is never sent to '\(remote)' without TLS: turn TLS on"
    }
    guard configuration.allowPlaintext else {
      return "plaintext to '\(remote)' is refused because it is not this machine:"
        + " turn TLS on, or ask for plaintext by name"
    }
    return nil
  }

  /// Whether the host, by its spelling, is this machine. What the name resolves to is checked again when dialing.
  static func isLoopback(_ host: String) -> Bool {
    let name = host.lowercased()
    return name == "localhost" || name.hasSuffix(".localhost") || name == "::1" || name == "[::1]"
      || name.hasPrefix("127.") && name.split(separator: ".").count == 4
        && name.allSatisfy { $0.isNumber || $0 == "." }
  }

  /// The value of `:authority`.
  static func authority(of configuration: ChannelConfiguration) -> String {
    if let authority = configuration.authority ?? configuration.tls?.serverName { return authority }
    if configuration.socketPath != nil { return configuration.host }
    let isIPv6 = configuration.host.contains(":") && !configuration.host.hasPrefix("[")
    let host = isIPv6 ? "[\(configuration.host)]" : configuration.host
    return configuration.port == (configuration.tls == nil ? 80 : 443) ? host : "\(host):\(configuration.port)"
  }
}
