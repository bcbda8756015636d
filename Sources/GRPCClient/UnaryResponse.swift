internal import HTTP2Client

/// Follows one response from its first header block to its end: a pure machine fed with the stream's events.
///
/// Each method returns the call's outcome as soon as it is settled, and nil before.
struct UnaryResponse {
  /// The settled end of a call.
  typealias Outcome = Result<[UInt8], GRPCError>

  /// Why a response is not gRPC: its HTTP status, its type, and the start of its body for the error's text.
  private struct Foreign {
    let status: Int
    let contentType: String
    var body: [UInt8] = []
  }

  private static let bodyExcerpt = 1_024

  private var deframer: MessageDeframer
  private var foreign: Foreign?
  private var status: GRPCError?
  private var hasStatus = false
  private var encoding = "identity"
  private var hasResponse = false

  /// - Parameter limit: the longest message accepted, in bytes.
  init(limit: Int) { deframer = MessageDeframer(limit: limit) }

  /// The first header block has arrived.
  mutating func response(_ fields: [HTTP2ResponseField]) {
    hasResponse = true
    let httpStatus = fields.value(of: ":status").flatMap { Int($0) } ?? 0
    let contentType = fields.value(of: "content-type") ?? ""
    encoding = fields.value(of: "grpc-encoding") ?? encoding
    takeStatus(fields)
    if httpStatus != 200 || !contentType.hasPrefix("application/grpc") {
      foreign = Foreign(status: httpStatus, contentType: contentType)
    }
  }

  /// Body bytes have arrived. A non-nil outcome means that the rest is not wanted: the stream is to be reset.
  mutating func data(_ bytes: [UInt8]) -> Outcome? {
    if foreign != nil {
      let room = Self.bodyExcerpt - (foreign?.body.count ?? 0)
      foreign?.body.append(contentsOf: bytes.prefix(max(0, room)))
      return nil
    }
    do throws(MessageDeframer.Fault) {
      try deframer.append(bytes)
      return nil
    } catch {
      return .failure(describe(error))
    }
  }

  /// The last header block has arrived.
  mutating func trailers(_ fields: [HTTP2ResponseField]) { takeStatus(fields) }

  /// The server has said everything.
  mutating func end() -> Outcome {
    // The status decides, also when the transport around it looks odd.
    if let status { return .failure(status) }
    if let foreign { return .failure(Self.describe(foreign)) }
    guard hasResponse else {
      return .failure(GRPCError(.internal, "the server ended the call without a response", mayHaveReachedServer: true))
    }
    guard hasStatus else {
      return .failure(GRPCError(.unknown, "the server ended the call without a status", mayHaveReachedServer: true))
    }
    do throws(MessageDeframer.Fault) {
      return .success(try deframer.finish())
    } catch {
      return .failure(describe(error))
    }
  }

  private mutating func takeStatus(_ fields: [HTTP2ResponseField]) {
    guard let text = fields.value(of: "grpc-status") else { return }
    hasStatus = true
    let number = Int(text)
    let code = number.flatMap { GRPCStatus(rawValue: $0) } ?? .unknown
    guard code != .ok else { return }
    var message = GRPCText.percentDecoded(fields.value(of: "grpc-message") ?? "")
    if number == nil || GRPCStatus(rawValue: number ?? -1) == nil {
      message = "status \(text.prefix(20)) is not one of gRPC's. \(message)"
    }
    let details = fields.value(of: "grpc-status-details-bin").flatMap { GRPCText.base64Decoded($0) } ?? []
    status = GRPCError(code, message, details: details, mayHaveReachedServer: true)
  }

  private func describe(_ fault: MessageDeframer.Fault) -> GRPCError {
    switch fault {
    case .compressed where encoding == "identity":
      GRPCError(
        .internal, "the response is marked as compressed but names no encoding", mayHaveReachedServer: true)
    case .compressed:
      GRPCError(
        .unimplemented,
        "the server compressed the response (\(encoding.prefix(20))) although only identity was offered",
        mayHaveReachedServer: true)
    case .badFlag(let flag):
      GRPCError(.internal, "the response's frame begins with \(flag) instead of 0 or 1", mayHaveReachedServer: true)
    case .tooLarge(let length, let limit):
      GRPCError(
        .resourceExhausted, "the response of \(length) bytes is larger than the limit of \(limit)",
        mayHaveReachedServer: true)
    case .extraBytes:
      GRPCError(.internal, "the server sent more than one message to a unary call", mayHaveReachedServer: true)
    case .truncated(let received, let expected):
      GRPCError(
        .internal, "the response ended after \(received) of \(expected) bytes", mayHaveReachedServer: true)
    case .missing:
      GRPCError(.internal, "the server reported success but sent no message", mayHaveReachedServer: true)
    }
  }

  private static func describe(_ foreign: Foreign) -> GRPCError {
    let title = HTMLTitle.find(in: foreign.body)
    let code: GRPCStatus =
      switch foreign.status {
      case 400: .internal
      case 401: .unauthenticated
      case 403: .permissionDenied
      case 404: .unimplemented
      case 429, 502, 503, 504: .unavailable
      default: .unknown
      }
    let type = foreign.contentType.isEmpty ? "without a content type" : "as \(foreign.contentType.prefix(60))"
    let text = "the server answered HTTP \(foreign.status) \(type) instead of gRPC" + (title.map { ": \($0)" } ?? "")
    // nginx completes the TLS handshake and then answers every request so when it does not like the certificate.
    if foreign.status == 400, let title, title.contains("certificate") {
      return GRPCError(
        .unauthenticated, text, mayHaveReachedServer: false,
        cause: "the gateway in front of the server demands a client certificate that it trusts:"
          + " check the certificate's issuer and validity, and that one is configured")
    }
    let cause: String? =
      switch foreign.status {
      case 401, 403: "the gateway in front of the server refuses the credentials: check the API key"
      case 413:
        "the gateway in front of the server limits the request's size: raise its limit (nginx: client_max_body_size)"
      case 502, 503, 504:
        "the gateway in front of the server cannot reach it, or its read timeout is too short for long polls"
      default: nil
      }
    // Errors that a gateway makes up without asking the server.
    let isGatewayRefusal = [400, 401, 403, 413, 429].contains(foreign.status)
    return GRPCError(code, text, mayHaveReachedServer: !isGatewayRefusal, cause: cause)
  }
}

extension [HTTP2ResponseField] {
  /// The value of the first field of that name.
  func value(of name: String) -> String? { first { $0.name == name }?.value }
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
