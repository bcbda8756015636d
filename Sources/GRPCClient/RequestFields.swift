internal import HTTP2Client
internal import Secrets

/// Composes and checks the header fields of a call.
struct RequestFields {
  /// `http` or `https`.
  let scheme: String
  /// The value of `:authority`.
  let authority: String
  /// The value of `user-agent`.
  let userAgent: String

  /// Names that this layer sets itself, or that HTTP/2 forbids.
  private static let reserved: Set<String> = [
    "te", "content-type", "user-agent", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
    "host", "content-length",
  ]

  /// What is wrong with a call, nil when nothing is.
  static func fault(in call: GRPCCall) -> String? {
    let path = call.path.utf8
    guard path.first == UInt8(ascii: "/"), path.allSatisfy({ (33..<127).contains($0) }), path.count <= 1_024 else {
      return "the method path '\(call.path.prefix(100))' is not of the form /package.Service/Method"
    }
    for (name, value) in call.metadata {
      let isName =
        !name.isEmpty
        && name.utf8.allSatisfy {
          (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
        }
      guard isName, !reserved.contains(name), !name.hasPrefix("grpc-") else {
        return "the header name '\(name.prefix(100))' is reserved or not lower case"
      }
      guard value.utf8.allSatisfy({ (32..<127).contains($0) }), value.utf8.count <= 8_192 else {
        return "the header '\(name)' has a value that is not printable ASCII or is longer than 8192 bytes"
      }
    }
    return nil
  }

  /// The fields in the order of the gRPC specification.
  ///
  /// - Parameters:
  ///   - timeout: what remains of the call's time, as `grpc-timeout` wants it.
  ///   - authorization: the whole value of `authorization`; a value in the call's own metadata wins over it.
  func fields(for call: GRPCCall, timeout: String, authorization: SharedSecret?) -> [HTTP2Field] {
    var fields = [
      HTTP2Field(":method", "POST"), HTTP2Field(":scheme", scheme), HTTP2Field(":path", call.path),
      HTTP2Field(":authority", authority), HTTP2Field("te", "trailers"),
      HTTP2Field("content-type", "application/grpc"), HTTP2Field("grpc-timeout", timeout),
      HTTP2Field("grpc-accept-encoding", MessageEncoding.accepted), HTTP2Field("user-agent", userAgent),
    ]
    if call.isCompressed { fields.append(HTTP2Field("grpc-encoding", "gzip")) }
    if let authorization, !call.metadata.contains(where: { $0.name == "authorization" }) {
      fields.append(HTTP2Field("authorization", secret: authorization))
    }
    for (name, value) in call.metadata { fields.append(HTTP2Field(name, value)) }
    return fields
  }
}
