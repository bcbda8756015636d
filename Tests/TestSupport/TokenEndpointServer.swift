import Foundation

/// A real OAuth token endpoint over HTTPS (Python's http.server and ssl) that answers as a script says.
///
/// Each request takes the next step; the last step is repeated. A new script may be written while it runs.
package final class TokenEndpointServer: Sendable {
  /// One answer.
  package struct Step: Codable, Sendable {
    package var status = 200
    /// The body; nil: none.
    package var body: String?
    package var headers: [String: String] = [:]
    /// Seconds before the answer.
    package var delay: Double = 0
    /// So many bytes of filling instead of the body.
    package var size: Int?
    /// Closes the connection: `before` the answer or in the `middle` of the body.
    package var close: String?
    /// `id:secret`, decoded, that HTTP Basic must carry; everything else gets 401 and invalid_client.
    package var basic: String?

    package init() {}

    /// An answer with a token.
    package static func token(
      _ token: String, expiresIn: Int? = 3_600, type: String = "Bearer", delay: Double = 0, basic: String? = nil
    ) -> Step {
      var step = Step()
      let expiry = expiresIn.map { ", \"expires_in\": \($0)" } ?? ""
      step.body = "{\"access_token\": \"\(token)\", \"token_type\": \"\(type)\"\(expiry)}"
      step.delay = delay
      step.basic = basic
      return step
    }

    /// An answer with any status and body.
    package static func answer(_ status: Int, _ body: String = "", headers: [String: String] = [:]) -> Step {
      var step = Step()
      step.status = status
      step.body = body
      step.headers = headers
      return step
    }
  }

  /// A request as it arrived.
  package struct Request: Codable, Sendable {
    package var method: String
    package var path: String
    /// By lower-case name.
    package var headers: [String: String]
    package var body: String
    /// The common name of the client's certificate; empty without one.
    package var client: String
    /// Seconds since 1970.
    package var time: Double
  }

  package let port: Int
  package let folder: TemporaryFolder
  private let peer: BackgroundPeer
  private let scheme: String

  /// Starts the endpoint and waits until it listens.
  ///
  /// - Parameters:
  ///   - server: the certificate it shows; nil: the one for localhost.
  ///   - demandsCertificate: only clients of `certificates.authority` may connect.
  ///   - isPlaintext: http instead of https.
  package init(
    _ certificates: TestCertificates, steps: [Step], server: TestCertificates.Pair? = nil,
    demandsCertificate: Bool = false, isPlaintext: Bool = false
  ) throws {
    port = try LoopbackPort.free()
    folder = try TemporaryFolder("sallyport-token-endpoint")
    scheme = isPlaintext ? "http" : "https"
    let program = try folder.write("endpoint.py", Self.program)
    try folder.write("requests.jsonl", "")
    try folder.write("steps.json", String(decoding: JSONEncoder().encode(steps), as: UTF8.self))
    let pair = server ?? certificates.server
    peer = try BackgroundPeer(
      "python3",
      [
        program, "\(port)", folder.path, isPlaintext ? "" : pair.certificate, pair.key,
        demandsCertificate ? certificates.authority : "",
      ], folder: folder.path)
    try peer.waitForPort(port)
  }

  deinit { peer.stop() }

  /// The endpoint's address, by name.
  package var url: String { "\(scheme)://localhost:\(port)/oauth/token" }

  /// Sets what the next requests get.
  package func answer(_ steps: [Step]) throws {
    try folder.write("steps.json", String(decoding: JSONEncoder().encode(steps), as: UTF8.self))
  }

  /// What has arrived so far.
  package func requests() throws -> [Request] {
    try String(contentsOfFile: folder.file("requests.jsonl"), encoding: .utf8).split(separator: "\n")
      .map { try JSONDecoder().decode(Request.self, from: Data($0.utf8)) }
  }

  /// Ends the endpoint: connections are refused from then on.
  package func stop() { peer.stop() }

  private static let program = """
    import base64, http.server, json, ssl, sys, threading, time

    port, folder, certificate, key, authority = int(sys.argv[1]), *sys.argv[2:6]
    lock = threading.Lock()
    script = {"text": None, "next": 0}

    def next_step():
        with lock:
            text = open(folder + "/steps.json").read()
            if text != script["text"]:
                script.update(text=text, next=0)
            steps = json.loads(text)
            step = steps[min(script["next"], len(steps) - 1)]
            script["next"] += 1
            return step

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            self.answer()

        def do_POST(self):
            self.answer()

        def answer(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            peer = self.connection.getpeercert() if certificate else None
            names = dict(pair[0] for pair in (peer or {}).get("subject", ()))
            record = {"method": self.command, "path": self.path, "body": body, "time": time.time(),
                      "headers": {name.lower(): value for name, value in self.headers.items()},
                      "client": names.get("commonName", "")}
            step = next_step()
            with lock, open(folder + "/requests.jsonl", "a") as log:
                log.write(json.dumps(record) + "\\n")
            time.sleep(step["delay"])
            if step.get("close") == "before":
                self.close_connection = True
                return
            status, text, headers = step["status"], step.get("body") or "", step["headers"]
            if step.get("basic") is not None:
                expected = "Basic " + base64.b64encode(step["basic"].encode()).decode()
                if self.headers.get("authorization") != expected:
                    status, text, headers = 401, '{"error": "invalid_client"}', {}
            content = b"x" * step["size"] if step.get("size") else text.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Type" not in headers:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if step.get("close") == "middle":
                content = content[:len(content) // 2]
                self.close_connection = True
            try:
                self.wfile.write(content)
            except OSError:
                self.close_connection = True

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def get_request(self):
            connection, address = self.socket.accept()
            if certificate:
                connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            return connection, address

        def handle_error(self, request, address):
            pass

    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if authority:
            context.load_verify_locations(authority)
            context.verify_mode = ssl.CERT_REQUIRED
    Server(("127.0.0.1", port), Handler).serve_forever()

    """
}
