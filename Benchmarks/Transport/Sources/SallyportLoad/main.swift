import EventLoop
import GRPCClient
import Load
import Logging
import TLSClient

// The product's channel under load; see Load.
let plan = try LoadPlan(arguments: CommandLine.arguments)
let certificates = plan.certificates
let tls = TLSConfiguration(
  trust: .file("\(certificates)/ca.crt"),
  clientIdentity: .init(certificateFile: "\(certificates)/client.crt", keyFile: "\(certificates)/client.key"))
let channel = GRPCChannel(
  configuration: ChannelConfiguration(host: "127.0.0.1", port: plan.port, tls: tls), loop: try EventLoop(),
  logger: Logger(label: "load") { _ in SwiftLogNoOpLogHandler() })
let path = "/\(plan.service)/\(plan.method)"
try await Load(plan).run { message in
  try await channel.call(GRPCCall(path: path, message: message, timeout: .seconds(30))).count
}
await channel.shutdown(grace: .seconds(1))
