package import Egress

/// The way from this machine to a destination.
package enum DialRoute: Sendable {
  /// TCP to the destination's own addresses.
  case direct
  /// TCP to a proxy, which is asked by `CONNECT` for a tunnel to the destination.
  case proxy(ProxyTarget)
  /// A unix socket of this machine, by its path. Who listens there must be this process's user or root.
  case unix(String)
}
