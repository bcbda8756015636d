/// The system's answer for a host name, for those who want to look at it without connecting.
package enum NameResolution {
  /// Every address of a name or literal, in the order in which a dial would try them. Blocks: only on a thread of its own.
  ///
  /// - Throws: `EventLoopError.nameNotResolved`.
  package static func addresses(of host: String, port: Int) throws(EventLoopError) -> [SocketAddress] {
    SocketAddress.interleaved(try SocketAddress.resolve(host: host, port: port))
  }
}
