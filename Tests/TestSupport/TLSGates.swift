import Foundation

/// Gateways that end TLS and demand a client certificate, without anything behind them: enough for what happens in TLS.
package enum TLSGate {
  /// haproxy that demands a certificate of `authority`.
  ///
  /// - Parameter version: the highest version of TLS, such as `TLSv1.2`.
  package static func haproxy(_ pki: TestPKI, version: String = "TLSv1.3") throws -> Gateway {
    let port = try LoopbackPort.free()
    let folder = try TemporaryFolder("sallyport-haproxy")
    let configuration = try folder.write(
      "haproxy.cfg",
      """
      defaults
        mode http
        timeout connect 5s
        timeout client 60s
        timeout server 60s
      frontend gate
        bind 127.0.0.1:\(port) ssl crt \(pki.file("good.pem")) ca-file \(pki.file("bundle.crt")) verify required alpn h2 ssl-max-ver \(version)
        http-request return status 200

      """)
    let peer = try BackgroundPeer("haproxy", ["-db", "-f", configuration], folder: folder.path)
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }

  /// nghttpx that demands a certificate of the PKI.
  package static func nghttpx(_ pki: TestPKI) throws -> Gateway {
    let port = try LoopbackPort.free()
    let backend = try LoopbackPort.free()
    let folder = try TemporaryFolder("sallyport-nghttpx")
    let peer = try BackgroundPeer(
      "nghttpx",
      [
        "--conf=/dev/null", "-f127.0.0.1,\(port)", "-b127.0.0.1,\(backend);;proto=h2", "-n1", "--no-ocsp",
        "--verify-client", "--verify-client-cacert=\(pki.file("bundle.crt"))", pki.pair("good").key,
        pki.pair("good").certificate,
      ], folder: folder.path)
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }

  /// nginx whose log shows what it was asked for: SNI and authority.
  ///
  /// - Parameters:
  ///   - backend: the plaintext port behind it; nil: it answers 200 itself.
  ///   - listen: what stands after the port.
  ///   - verification: lines about client certificates.
  package static func nginx(
    _ pki: TestPKI, backend: Int? = nil, listen: String = "ssl http2", verification: String = ""
  ) throws -> Gateway {
    let port = try LoopbackPort.free()
    let folder = try TemporaryFolder("sallyport-nginx")
    let location = backend.map { "grpc_pass grpc://127.0.0.1:\($0);" } ?? "return 200;"
    let configuration = try folder.write(
      "nginx.conf",
      """
      daemon off; pid nginx.pid; error_log stderr; worker_processes 1; events {}
      http { log_format seen 'sni=$ssl_server_name authority=$http_host'; access_log \(folder.file("access.log")) seen;
        client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
        server { listen 127.0.0.1:\(port) \(listen); ssl_protocols TLSv1.2 TLSv1.3;
          ssl_certificate \(pki.pair("good").certificate); ssl_certificate_key \(pki.pair("good").key);
          \(verification)
          location / { \(location) } } }
      """)
    let peer = try BackgroundPeer(
      "nginx", ["-p", folder.path, "-e", "stderr", "-c", configuration], folder: folder.path)
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }

  /// stunnel, which knows no ALPN, before a plaintext HTTP/2 server.
  package static func stunnel(_ pki: TestPKI, backend: Int) throws -> Gateway {
    let port = try LoopbackPort.free()
    let folder = try TemporaryFolder("sallyport-stunnel")
    let configuration = try folder.write(
      "stunnel.conf",
      """
      foreground=yes
      pid=
      [s]
      accept=127.0.0.1:\(port)
      connect=127.0.0.1:\(backend)
      cert=\(pki.pair("good").certificate)
      key=\(pki.pair("good").key)

      """)
    let peer = try BackgroundPeer("stunnel4", [configuration], folder: folder.path)
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }
}
