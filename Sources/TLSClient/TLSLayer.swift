package import EventLoop

/// TLS to what stands in between, such as a proxy, with another TLS connection inside: a session as a layer of a socket.
package final class TLSLayer: StreamLayer {
  private let session: TLSSession
  private let peer: String

  /// - Parameters:
  ///   - host: the name that the other side's certificate must carry.
  ///   - peer: what to call it in messages.
  private init(_ context: TLSContext, host: String, peer: String) throws(TLSError) {
    session = try TLSSession(context: context, host: host)
    self.peer = peer
  }

  /// Reads authorities and identity of a configuration anew for every connection.
  ///
  /// - Parameter peer: what to call the other side in messages, such as `the proxy 10.0.0.1:3128`.
  package static func loader(_ configuration: TLSConfiguration, peer: String) -> StreamLayerLoader {
    { host in
      do throws(TLSError) {
        let context = try TLSContext.load(configuration)
        return .success {
          Result { () throws(EventLoopError) in
            do throws(TLSError) {
              return try TLSLayer(context, host: host, peer: peer)
            } catch {
              throw failure(error, peer)
            }
          }
        }
      } catch {
        return .failure(failure(error, peer))
      }
    }
  }

  private static func failure(_ error: TLSError, _ peer: String) -> EventLoopError {
    EventLoopError(
      .proxyFailed, "TLS with \(peer): \(error.message)", isTransient: !error.isLocal && !error.isRefusal)
  }

  private func mapped<Value>(_ body: () throws(TLSError) -> Value) throws(EventLoopError) -> Value {
    do throws(TLSError) {
      return try body()
    } catch {
      throw Self.failure(error, peer)
    }
  }

  package func receive(_ bytes: ArraySlice<UInt8>) { session.receive(bytes) }

  package func handshake() throws(EventLoopError) -> Bool {
    try mapped { () throws(TLSError) in try session.handshake() }
  }

  package func read() throws(EventLoopError) -> [UInt8]? {
    switch try mapped({ () throws(TLSError) in try session.read() }) {
    case .bytes(let bytes): bytes
    case .wouldBlock: []
    case .ended: nil
    }
  }

  package func write(_ bytes: [UInt8]) throws(EventLoopError) {
    try mapped { () throws(TLSError) in try session.write(bytes) }
  }

  package func takeOutgoing() -> [UInt8] { session.takeCiphertext() }

  package func close() { session.close() }
}
