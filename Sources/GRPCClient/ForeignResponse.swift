/// A response that is not gRPC: what a gateway, or a server of another kind, made up by itself.
struct ForeignResponse {
  /// How much of the body is kept for the error's text.
  private static let excerptBytes = 1_024
  /// How much of the body is waited for.
  private static let largestBytes = 256 << 10

  /// The HTTP status; 0 when there was none.
  let status: Int
  /// The value of `content-type`.
  let contentType: String
  private var body: [UInt8] = []
  private var bodyBytes = 0

  /// A response of which the headers have arrived.
  init(status: Int, contentType: String) {
    self.status = status
    self.contentType = contentType
  }

  /// Whether so much of the body has come that its end is not worth waiting for.
  var isEndless: Bool { bodyBytes > Self.largestBytes }

  /// Keeps the start of the body.
  mutating func append(_ bytes: [UInt8]) {
    bodyBytes += bytes.count
    body.append(contentsOf: bytes.prefix(max(0, Self.excerptBytes - body.count)))
  }

  /// What such a response means for the call (gRPC, "HTTP to gRPC status code mapping").
  var error: GRPCError {
    let title = HTMLTitle.find(in: body)
    let code: GRPCStatus =
      switch status {
      case 400: .internal
      case 401: .unauthenticated
      case 403: .permissionDenied
      case 404: .unimplemented
      case 429, 502, 503, 504: .unavailable
      default: .unknown
      }
    let type = contentType.isEmpty ? "without a content type" : "as \(contentType.prefix(60))"
    let text = "the server answered HTTP \(status) \(type) instead of gRPC" + (title.map { ": \($0)" } ?? "")
    // nginx completes the TLS handshake and then answers every request so when it does not like the certificate.
    if status == 400, let title, title.contains("certificate") {
      return GRPCError(
        .unauthenticated, text, mayHaveReachedServer: false,
        cause: "the gateway in front of the server demands a client certificate that it trusts:"
          + " check the certificate's issuer and validity, and that one is configured")
    }
    let cause: String? =
      switch status {
      case 401, 403: "the gateway in front of the server refuses the credentials: check the API key"
      case 413:
        "the gateway in front of the server limits the request's size: raise its limit (nginx: client_max_body_size)"
      case 502, 503, 504:
        "the gateway in front of the server cannot reach it, or its read timeout is too short for long polls"
      default: nil
      }
    // Errors that a gateway makes up without asking the server.
    let isGatewayRefusal = [400, 401, 403, 413, 429].contains(status)
    return GRPCError(code, text, mayHaveReachedServer: !isGatewayRefusal, cause: cause)
  }
}

/// Finds the title of an HTML page, the one useful line in what gateways answer.
enum HTMLTitle {
  /// The text between `<title>` and `</title>`, at most 120 characters.
  static func find(in body: [UInt8]) -> String? {
    let text = String(decoding: body, as: UTF8.self)
    guard let start = text.firstRange(of: "<title>")?.upperBound,
      let end = text[start...].firstRange(of: "</title>")?.lowerBound
    else { return nil }
    return String(text[start..<end].prefix(120).map { $0.isASCII && $0 >= " " ? $0 : " " })
  }
}
