import Foundation

/// Real TLS gateways in front of a plaintext gRPC server, each on a free port of this machine.
package struct Gateway: Sendable {
  /// Which program, and how it treats the connection.
  package enum Kind: String, Sendable, CaseIterable {
    /// nginx, HTTP/2 on both sides.
    case nginx
    /// haproxy, HTTP/2 on both sides.
    case haproxy
    /// haproxy, TLS on the outside, bytes passed through.
    case haproxyPassThrough
    /// nghttpx, HTTP/2 on both sides.
    case nghttpx
  }

  package let port: Int
  package let peer: BackgroundPeer
  package let folder: TemporaryFolder

  /// Starts a gateway that demands a client certificate of `certificates.authority`.
  ///
  /// - Parameters:
  ///   - backend: the plaintext port behind it.
  ///   - port: a port to listen on again after a restart; nil: a free one.
  ///   - server: the certificate it shows; nil: the one for localhost.
  package static func start(
    _ kind: Kind, backend: Int, certificates: TestCertificates, port: Int? = nil,
    server: TestCertificates.Pair? = nil
  ) throws -> Gateway {
    let port = try port ?? LoopbackPort.free()
    switch kind {
    case .nginx:
      return try nginx(
        backend: backend, port: port, certificates: certificates, server: server ?? certificates.server)
    case .haproxy: return try haproxy(backend: backend, port: port, certificates: certificates, isTransparent: false)
    case .haproxyPassThrough:
      return try haproxy(backend: backend, port: port, certificates: certificates, isTransparent: true)
    case .nghttpx: return try nghttpx(backend: backend, port: port, certificates: certificates)
    }
  }

  /// Starts nginx.
  ///
  /// - Parameters:
  ///   - clientVerification: lines about client certificates; nil: one of `certificates.authority` is demanded.
  ///   - location: further lines of the location, such as a check of the authorization.
  ///   - listen: what stands after the port, such as `ssl http2`.
  ///   - keepaliveRequests: requests after which a connection is ended.
  ///   - protocols: the versions of TLS on offer.
  package static func nginx(
    backend: Int, port: Int? = nil, certificates: TestCertificates, server: TestCertificates.Pair? = nil,
    clientVerification: String? = nil, location: String = "", listen: String = "ssl http2",
    keepaliveRequests: Int = 1_000_000,
    protocols: String = "TLSv1.2 TLSv1.3"
  ) throws -> Gateway {
    let port = try port ?? LoopbackPort.free()
    let folder = try TemporaryFolder("sallyport-nginx")
    let pair = server ?? certificates.server
    let verification =
      clientVerification
      ?? "ssl_client_certificate \(certificates.authority); ssl_verify_client on; ssl_verify_depth 2;"
    let configuration = try folder.write(
      "nginx.conf",
      """
      daemon off; pid nginx.pid; error_log stderr; worker_processes 1; events {}
      http { access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4;
        scgi_temp_path t5;
        upstream backend { server 127.0.0.1:\(backend); keepalive 32; }
        server { listen 127.0.0.1:\(port) \(listen); ssl_protocols \(protocols);
          ssl_certificate \(pair.certificate); ssl_certificate_key \(pair.key);
          \(verification)
          client_max_body_size 0; keepalive_requests \(keepaliveRequests);
          location / { \(location) grpc_pass grpc://backend; grpc_read_timeout 120s; grpc_send_timeout 120s; } } }
      """)
    let peer = try BackgroundPeer(
      "nginx", ["-p", folder.path, "-e", "stderr", "-c", configuration], folder: folder.path)
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }

  private static func haproxy(
    backend: Int, port: Int, certificates: TestCertificates, isTransparent: Bool
  ) throws -> Gateway {
    let folder = try TemporaryFolder("sallyport-haproxy")
    let mode = isTransparent ? "tcp" : "http"
    let configuration = try folder.write(
      "haproxy.cfg",
      """
      defaults
        mode \(mode)
        timeout connect 5s
        timeout client 120s
        timeout server 120s
      \(isTransparent ? "" : "  option abortonclose")
      frontend gate
        bind 127.0.0.1:\(port) ssl crt \(certificates.serverBundle) ca-file \(certificates.authority) verify required alpn h2
        default_backend scheduler
      backend scheduler
        server s1 127.0.0.1:\(backend)\(isTransparent ? "" : " proto h2")

      """)
    let peer = try BackgroundPeer("haproxy", ["-db", "-f", configuration], folder: folder.path)
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }

  private static func nghttpx(backend: Int, port: Int, certificates: TestCertificates) throws -> Gateway {
    let folder = try TemporaryFolder("sallyport-nghttpx")
    let peer = try BackgroundPeer(
      "nghttpx",
      [
        "--conf=/dev/null", "-f127.0.0.1,\(port)", "-b127.0.0.1,\(backend);;proto=h2", "-n1", "--no-ocsp",
        "--verify-client", "--verify-client-cacert=\(certificates.authority)", "--backend-read-timeout=120s",
        "--frontend-http2-read-timeout=180s", certificates.server.key, certificates.server.certificate,
      ], folder: folder.path)
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }
}
