import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Load

/// Bytes as they are: what is measured is the transport.
struct Passing: MessageSerializer, MessageDeserializer {
  func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) -> Bytes { Bytes(message) }

  func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) -> [UInt8] { bytes.withUnsafeBytes { [UInt8]($0) } }
}

// grpc-swift-2 over its own NIO transport under the same load; see Load. Every setting is its default.
let plan = try LoadPlan(arguments: CommandLine.arguments)
let certificates = plan.certificates
let transport = try HTTP2ClientTransport.Posix(
  target: .ipv4(address: "127.0.0.1", port: plan.port),
  transportSecurity: .mTLS(
    certificateChain: [.file(path: "\(certificates)/client.crt", format: .pem)],
    privateKey: .file(path: "\(certificates)/client.key", format: .pem)
  ) { $0.trustRoots = .certificates([.file(path: "\(certificates)/ca.crt", format: .pem)]) },
  config: .defaults { $0.http2.authority = "localhost" })
let method = MethodDescriptor(fullyQualifiedService: plan.service, method: plan.method)
try await withGRPCClient(transport: transport) { client in
  var options = CallOptions.defaults
  options.timeout = .seconds(30)
  try await Load(plan).run { [options] message in
    try await client.unary(
      request: ClientRequest(message: message), descriptor: method, serializer: Passing(), deserializer: Passing(),
      options: options
    ) { response in try response.message.count }
  }
}
