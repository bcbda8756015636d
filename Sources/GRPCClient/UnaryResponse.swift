internal import HTTP2Client

/// Follows one response from its first header block to its end: a pure machine fed with the stream's events.
///
/// Each method returns the call's outcome as soon as it is settled, and nil before.
struct UnaryResponse {
  /// The settled end of a call.
  typealias Outcome = Result<[UInt8], GRPCError>

  private var deframer: MessageDeframer
  private var foreign: ForeignResponse?
  private var status: GRPCError?
  private var hasStatus = false
  private var hasResponse = false
  private var headers: [HTTP2ResponseField] = []
  private var trailing: [HTTP2ResponseField] = []

  /// - Parameter limit: the longest message accepted, in bytes.
  init(limit: Int) { deframer = MessageDeframer(limit: limit) }

  /// What came beside the message so far.
  var metadata: GRPCMetadata {
    GRPCMetadata(headers: GRPCMetadata.fields(headers), trailers: GRPCMetadata.fields(trailing))
  }

  /// The first header block has arrived.
  mutating func response(_ fields: [HTTP2ResponseField]) {
    hasResponse = true
    headers = fields
    let httpStatus = fields.value(of: ":status").flatMap { Int($0) } ?? 0
    let contentType = fields.value(of: "content-type") ?? ""
    deframer.encoding = MessageEncoding(fields.value(of: "grpc-encoding"))
    takeStatus(fields)
    if httpStatus != 200 || !Self.isGRPC(contentType) {
      foreign = ForeignResponse(status: httpStatus, contentType: contentType)
    }
  }

  /// Body bytes have arrived. A non-nil outcome means that the rest is not wanted: the stream is to be reset.
  mutating func data(_ bytes: [UInt8]) -> Outcome? {
    if foreign != nil {
      foreign?.append(bytes)
      return foreign.flatMap { $0.isEndless ? .failure(status ?? $0.error) : nil }
    }
    do throws(MessageDeframer.Fault) {
      try deframer.append(bytes)
      return nil
    } catch {
      return .failure(describe(error))
    }
  }

  /// The last header block has arrived.
  mutating func trailers(_ fields: [HTTP2ResponseField]) {
    trailing = fields
    takeStatus(fields)
  }

  /// The server has said everything.
  mutating func end() -> Outcome {
    // The status decides, also when the transport around it looks odd.
    if let status { return .failure(status) }
    if let foreign { return .failure(foreign.error) }
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

  /// Whether a content type is gRPC's own, with or without the name of a message format.
  private static func isGRPC(_ contentType: String) -> Bool {
    let name = "application/grpc"
    guard contentType.lowercased().hasPrefix(name) else { return false }
    return [nil, "+", ";"].contains(contentType.dropFirst(name.count).first)
  }

  private mutating func takeStatus(_ fields: [HTTP2ResponseField]) {
    guard let text = fields.value(of: "grpc-status") else { return }
    hasStatus = true
    let number = Int(text)
    let code = number.flatMap { GRPCStatus(rawValue: $0) } ?? .unknown
    // What the trailers say stands above what the headers said.
    status = nil
    guard code != .ok else { return }
    var message = GRPCText.percentDecoded(fields.value(of: "grpc-message") ?? "")
    if number == nil || GRPCStatus(rawValue: number ?? -1) == nil {
      message = "status \(text.prefix(20)) is not one of gRPC's. \(message)"
    }
    let details = fields.value(of: "grpc-status-details-bin").flatMap { GRPCText.binaryValues($0).first } ?? []
    status = GRPCError(code, message, details: details, mayHaveReachedServer: true)
  }

  private func describe(_ fault: MessageDeframer.Fault) -> GRPCError {
    switch fault {
    case .unnamedEncoding:
      GRPCError(
        .internal, "the response is marked as compressed but names no encoding", mayHaveReachedServer: true)
    case .unknownEncoding(let name):
      GRPCError(
        .unimplemented,
        "the server compressed the response (\(name)) although only \(MessageEncoding.accepted) were offered",
        mayHaveReachedServer: true)
    case .corrupt:
      GRPCError(.internal, "the response is marked as gzip but cannot be inflated", mayHaveReachedServer: true)
    case .bomb(let received, let inflated):
      GRPCError(
        .resourceExhausted, "the response inflates from \(received) bytes to more than \(inflated)",
        mayHaveReachedServer: true)
    case .exhausted:
      GRPCError(.resourceExhausted, "no memory to inflate the response", mayHaveReachedServer: true)
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
}

extension [HTTP2ResponseField] {
  /// The value of the first field of that name.
  func value(of name: String) -> String? { first { $0.name == name }?.value }
}
