import Foundation

/// `openssl s_server` on a free port of this machine: shows a certificate and prints what it receives.
package struct OpenSSLServer: Sendable {
  package let port: Int
  package let peer: BackgroundPeer
  private let folder: TemporaryFolder

  /// Starts the server.
  ///
  /// - Parameters:
  ///   - pair: certificate (with its chain) and key that it shows.
  ///   - alpn: what it offers; nil: nothing.
  ///   - options: further options, such as `-tls1_2`.
  package init(_ pair: TestCertificates.Pair, alpn: String? = "h2", _ options: [String] = []) throws {
    port = try LoopbackPort.free()
    folder = try TemporaryFolder("sallyport-s_server")
    // The program takes the leaf from one file and what stands above it from another.
    let end = "-----END CERTIFICATE-----\n"
    let chain = try String(contentsOfFile: pair.certificate, encoding: .utf8).components(separatedBy: end).dropFirst()
    let above = chain.joined(separator: end)
    let chainOption = try above.isEmpty ? [] : ["-cert_chain", folder.write("chain.pem", above)]
    let arguments =
      ["s_server", "-accept", "127.0.0.1:\(port)", "-cert", pair.certificate, "-key", pair.key, "-quiet"]
      + chainOption + (alpn.map { ["-alpn", $0] } ?? []) + options
    peer = try BackgroundPeer("openssl", arguments, folder: folder.path)
    try peer.waitForPort(port)
  }

  /// Whether any byte of HTTP has reached it.
  package var sawHTTP: Bool { peer.log.contains("PRI * HTTP/2.0") }
}
