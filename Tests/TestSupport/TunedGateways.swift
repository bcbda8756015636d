import Foundation

/// Gateways whose limits are set for one test: read timeouts, stream credit, body limits, reloads.
extension Gateway {
  /// What differs from the usual configuration.
  package struct Tuning: Sendable {
    /// Seconds that the gateway waits for the backend's answer.
    package var readTimeout = 120
    /// Streams that it admits at once; nil: its own default.
    package var streams: Int?
    /// Further lines for nginx's `server` block.
    package var nginx = "client_max_body_size 0;"

    package init() {}
  }

  /// Starts a gateway with these settings; haproxy runs with a master, so that it can be reloaded.
  package static func tuned(
    _ kind: Kind, backend: Int, certificates: TestCertificates, _ tuning: Tuning = Tuning()
  ) throws -> Gateway {
    let port = try LoopbackPort.free()
    switch kind {
    case .nginx: return try tunedNginx(backend, port, certificates, tuning)
    case .haproxy, .haproxyPassThrough: return try tunedHaproxy(backend, port, certificates, tuning)
    case .nghttpx: return try tunedNghttpx(backend, port, certificates, tuning)
    }
  }

  /// Tells the gateway to read its configuration again, as after a change of certificates.
  package func reload(_ kind: Kind) {
    let (hangUp, userTwo): (Int32, Int32) = (1, 12)
    peer.signal(kind == .haproxy || kind == .haproxyPassThrough ? userTwo : hangUp)
  }

  private static func tunedNginx(
    _ backend: Int, _ port: Int, _ certificates: TestCertificates, _ tuning: Tuning
  ) throws -> Gateway {
    let folder = try TemporaryFolder("sallyport-nginx")
    let seconds = "\(tuning.readTimeout)s"
    let streams = tuning.streams.map { "http2_max_concurrent_streams \($0);" } ?? ""
    let configuration = try folder.write(
      "nginx.conf",
      """
      daemon off; pid nginx.pid; error_log stderr; worker_processes 1; events {}
      http { access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4;
        scgi_temp_path t5;
        upstream backend { server 127.0.0.1:\(backend); keepalive 32; }
        server { listen 127.0.0.1:\(port) ssl http2; ssl_protocols TLSv1.2 TLSv1.3;
          ssl_certificate \(certificates.server.certificate); ssl_certificate_key \(certificates.server.key);
          ssl_client_certificate \(certificates.authority); ssl_verify_client on; ssl_verify_depth 2;
          keepalive_requests 1000000; \(streams) \(tuning.nginx)
          location / { grpc_pass grpc://backend; grpc_read_timeout \(seconds); grpc_send_timeout \(seconds); } } }
      """)
    let peer = try BackgroundPeer(
      "nginx", ["-p", folder.path, "-e", "stderr", "-c", configuration], folder: folder.path)
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }

  private static func tunedHaproxy(
    _ backend: Int, _ port: Int, _ certificates: TestCertificates, _ tuning: Tuning
  ) throws -> Gateway {
    let folder = try TemporaryFolder("sallyport-haproxy")
    let streams = tuning.streams.map { "tune.h2.max-concurrent-streams \($0)" } ?? ""
    let configuration = try folder.write(
      "haproxy.cfg",
      """
      global
        \(streams)
      defaults
        mode http
        timeout connect 1s
        timeout client 120s
        timeout server \(tuning.readTimeout)s
        option abortonclose
      frontend gate
        bind 127.0.0.1:\(port) ssl crt \(certificates.serverBundle) ca-file \(certificates.authority) verify required alpn h2
        default_backend scheduler
      backend scheduler
        server s1 127.0.0.1:\(backend) proto h2

      """)
    let peer = try BackgroundPeer("haproxy", ["-W", "-db", "-f", configuration], folder: folder.path)
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }

  private static func tunedNghttpx(
    _ backend: Int, _ port: Int, _ certificates: TestCertificates, _ tuning: Tuning
  ) throws -> Gateway {
    let folder = try TemporaryFolder("sallyport-nghttpx")
    let streams = tuning.streams.map { ["--frontend-http2-max-concurrent-streams=\($0)"] } ?? []
    let peer = try BackgroundPeer(
      "nghttpx",
      [
        "--conf=/dev/null", "-f127.0.0.1,\(port)", "-b127.0.0.1,\(backend);;proto=h2", "-n1", "--no-ocsp",
        "--verify-client", "--verify-client-cacert=\(certificates.authority)",
        "--backend-read-timeout=\(tuning.readTimeout)s", "--frontend-http2-read-timeout=180s",
      ] + streams + [certificates.server.key, certificates.server.certificate], folder: folder.path)
    try peer.waitForPort(port)
    return Gateway(port: port, peer: peer, folder: folder)
  }
}
