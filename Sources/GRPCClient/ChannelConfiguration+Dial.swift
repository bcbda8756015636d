package import Egress
package import EventLoop
package import TLSClient

extension ProxyTarget {
  /// How the proxy itself is secured: its own authorities, no client certificate; nil: it is spoken to in the clear.
  package var tls: TLSConfiguration? {
    guard isSecure else { return nil }
    var tls = TLSConfiguration(trust: authorities.map { .file($0) } ?? .systemRoots)
    tls.demandsHTTP2 = false
    return tls
  }
}

extension ChannelConfiguration {
  /// What to dial: the way, the policy, the times.
  ///
  /// - Parameter attempt: how many attempts have failed so far; the hosts take turns in coming first.
  package func dialTarget(attempt: Int) -> Dial.Target {
    let hosts = ([(host: host, port: port)] + alternatives).map { (host: Self.unbracketed($0.host), port: $0.port) }
    let first = attempt % hosts.count
    let ordered = hosts[first...] + hosts[..<first]
    let isGuarded = tls == nil && !allowPlaintext
    var target = Dial.Target(
      host: hosts[first].host, port: hosts[first].port, timeout: connectTimeout,
      userTimeout: keepalive.interval + keepalive.timeout, isLoopbackOnly: isGuarded)
    target.policy = egress
    if let socketPath {
      target.route = .unix(socketPath)
    } else if let proxy = proxy?.proxy(forHost: target.host, port: target.port) {
      target.route = .proxy(proxy)
      target.proxyLayer = proxy.tls.map { TLSLayer.loader($0, peer: "the proxy \(proxy)") }
    } else {
      // Those that are reached through the proxy get their turn with the next attempt.
      target.alternatives = ordered.dropFirst().filter { proxy?.proxy(forHost: $0.host, port: $0.port) == nil }
    }
    return target
  }

  private static func unbracketed(_ host: String) -> String {
    host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
  }
}
