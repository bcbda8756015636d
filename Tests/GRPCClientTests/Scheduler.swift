import EventLoop
import GRPCClient
import Logging
import TLSClient
import TestSupport

/// What the tests of the channel share.
enum Scheduler {
  /// The loop on which every channel of this process runs.
  static let loop = Result { try EventLoop(name: "test-loop") }

  /// The method that needs no request and answers anybody.
  static let systemInfo = "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo"

  /// A channel with short pauses.
  static func channel(
    port: Int, host: String = "127.0.0.1", tls: TLSConfiguration? = nil,
    change: (inout ChannelConfiguration) -> Void = { _ in }
  ) throws -> GRPCChannel {
    var configuration = ChannelConfiguration(host: host, port: port, tls: tls)
    configuration.connectTimeout = .seconds(10)
    configuration.backoff.initial = .milliseconds(50)
    configuration.backoff.maximum = .milliseconds(500)
    change(&configuration)
    var logger = Logger(label: "test")
    logger.logLevel = .error
    return GRPCChannel(configuration: configuration, loop: try loop.get(), logger: logger)
  }

  /// TLS with the tests' authority and a client certificate.
  static func mutualTLS(
    _ certificates: TestCertificates, _ pair: TestCertificates.Pair? = nil, serverName: String? = nil
  ) -> TLSConfiguration {
    let identity = pair ?? certificates.client
    return TLSConfiguration(
      trust: .file(certificates.authority),
      clientIdentity: .init(certificateFile: identity.certificate, keyFile: identity.key), serverName: serverName)
  }

  /// The error of a call that must fail.
  static func failure(of channel: GRPCChannel, _ call: GRPCCall) async throws -> GRPCError {
    do throws(GRPCError) {
      let response = try await channel.call(call)
      throw GRPCError(.ok, "unexpected response of \(response.count) bytes", mayHaveReachedServer: true)
    } catch {
      return error
    }
  }
}
