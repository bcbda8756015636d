import Foundation

/// Gateways that write down which client certificate each request, or each connection, came with.
extension Gateway {
  /// Starts a gateway as `start` does, with the option of haproxy that resets polls of dead clients turned off, as it is
  /// by default. Lines of `seen` name serial numbers as `serial=51A0`.
  ///
  /// - Parameters:
  ///   - authorities: a PEM file of those who may vouch for clients; nil: the tests' authority.
  ///   - server: the certificate it shows; nil: the one for localhost.
  package static func witness(
    _ kind: Kind, backend: Int, certificates: TestCertificates, authorities: String? = nil, port: Int? = nil,
    server: TestCertificates.Pair? = nil
  ) throws -> Gateway {
    let port = try port ?? LoopbackPort.free()
    let folder = try TemporaryFolder("sallyport-\(kind.rawValue)")
    let trusted = authorities ?? certificates.authority
    let shown = server ?? certificates.server
    let peer: BackgroundPeer
    switch kind {
    case .nginx:
      try folder.write("nginx.conf", nginxText(folder, port, backend, trusted, shown))
      peer = try BackgroundPeer(
        "nginx", ["-p", folder.path, "-e", "stderr", "-c", folder.file("nginx.conf")], folder: folder.path)
    case .haproxy, .haproxyPassThrough:
      let pair = try [shown.certificate, shown.key].map { try String(contentsOfFile: $0, encoding: .utf8) }
      try folder.write("server.pem", pair.joined())
      try folder.write("haproxy.cfg", haproxyText(folder, port, backend, trusted, isL7: kind == .haproxy))
      peer = try BackgroundPeer("haproxy", ["-db", "-f", folder.file("haproxy.cfg")], folder: folder.path)
    case .nghttpx:
      peer = try BackgroundPeer(
        "nghttpx",
        [
          "--conf=/dev/null", "-f127.0.0.1,\(port)", "-b127.0.0.1,\(backend);;proto=h2", "-n1", "--no-ocsp",
          "--verify-client", "--verify-client-cacert=\(trusted)", "--backend-read-timeout=120s",
          "--frontend-http2-read-timeout=180s", "--accesslog-file=\(folder.file("seen.log"))",
          "--accesslog-format=serial=$tls_client_serial $request", shown.key, shown.certificate,
        ], folder: folder.path)
    }
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }

  private static func nginxText(
    _ folder: TemporaryFolder, _ port: Int, _ backend: Int, _ trusted: String, _ shown: TestCertificates.Pair
  ) -> String {
    """
    daemon off; pid nginx.pid; error_log stderr; worker_processes 1; events {}
    http { log_format seen 'serial=$ssl_client_serial $connection $uri';
      access_log \(folder.file("seen.log")) seen;
      client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
      upstream backend { server 127.0.0.1:\(backend); keepalive 32; }
      server { listen 127.0.0.1:\(port) ssl http2; ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate \(shown.certificate); ssl_certificate_key \(shown.key);
        ssl_client_certificate \(trusted); ssl_verify_client on; ssl_verify_depth 2;
        client_max_body_size 0; keepalive_requests 1000000;
        location / { grpc_pass grpc://backend; grpc_read_timeout 120s; grpc_send_timeout 120s; } } }
    """
  }

  private static func haproxyText(
    _ folder: TemporaryFolder, _ port: Int, _ backend: Int, _ trusted: String, isL7: Bool
  ) -> String {
    """
    global
      log stdout format raw local0
      stats socket \(folder.file("admin.sock")) mode 600 level admin
    defaults
      log global
      mode \(isL7 ? "http" : "tcp")
      timeout connect 5s
      timeout client 120s
      timeout server 120s
      option logasap
    frontend gate
      log-format "serial=%[ssl_c_serial,hex]\(isL7 ? " %ST %HU" : "")"
      bind 127.0.0.1:\(port) ssl crt \(folder.file("server.pem")) ca-file \(trusted) verify required alpn h2
      default_backend scheduler
    backend scheduler
      server s1 127.0.0.1:\(backend)\(isL7 ? " proto h2" : "")

    """
  }

  /// What the gateway has written down so far.
  package var seen: String {
    (try? String(contentsOfFile: folder.file("seen.log"), encoding: .utf8)) ?? peer.log
  }

  /// Whether a serial number has been seen. Leading zeros do not matter.
  package func hasSeen(_ serial: String) -> Bool {
    seen.split(separator: "\n").contains { line in
      guard let start = line.range(of: "serial=")?.upperBound else { return false }
      let digits = line[start...].prefix { $0.isHexDigit }
      return digits.drop { $0 == "0" }.uppercased() == serial
    }
  }
}
