import EventLoop
import Foundation
import GRPCClient
import Logging
import Secrets
import TLSClient
import TestSupport
import Testing

@testable import OAuthClient

/// Calls to a real Temporal server behind a gateway (nginx) that admits one bearer token, which a real token endpoint
/// grants.
@Suite("OAuth through a gateway", .serialized)
struct OAuthGatewayTests {
  private static let loop = Result { try EventLoop(name: "oauth-gateway") }
  private static let systemInfo = "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo"

  private let certificates: TestCertificates
  private let server: TemporalServer

  init() throws {
    certificates = try TestCertificates.shared()
    server = try TemporalServer.shared()
  }

  private func gateway(admits token: String, demandsCertificate: Bool) throws -> Gateway {
    try Gateway.nginx(
      backend: server.port, certificates: certificates, clientVerification: demandsCertificate ? nil : "",
      location: "if ($http_authorization != \"Bearer \(token)\") { return 401; }")
  }

  private func channel(
    _ gateway: Gateway, _ endpoint: TokenEndpointServer, clock: TurnedClock = TurnedClock(),
    hasCertificate: Bool = false
  ) throws -> (GRPCChannel, OAuthTokenSource) {
    let secret = SharedSecret(copying: "gateway-secret".utf8)
    let issuer = TokenEndpoint(
      TokenEndpointConfiguration(
        url: try TokenURL(endpoint.url), clientIdentifier: "worker", authentication: .basic(.value(secret)),
        tls: TLSConfiguration(trust: .file(certificates.authority))))
    var logger = Logger(label: "test")
    logger.logLevel = .error
    let loop = try Self.loop.get()
    let source = OAuthTokenSource(issuer: issuer, loop: loop, logger: logger, clock: { clock.now })
    let identity = TLSConfiguration.ClientIdentity(
      certificateFile: certificates.client.certificate, keyFile: certificates.client.key)
    var configuration = ChannelConfiguration(
      host: "localhost", port: gateway.port,
      tls: TLSConfiguration(
        trust: .file(certificates.authority), clientIdentity: hasCertificate ? identity : nil))
    configuration.authorization = source
    return (GRPCChannel(configuration: configuration, loop: loop, logger: logger), source)
  }

  private func call(_ channel: GRPCChannel) async throws -> Int {
    try await channel.call(GRPCCall(path: Self.systemInfo, timeout: .seconds(30))).count
  }

  @Test("A granted token opens the gateway, alone and together with a client certificate", arguments: [false, true])
  func grantedToken(withCertificate: Bool) async throws {
    let endpoint = try TokenEndpointServer(certificates, steps: [.token("tok-1", basic: "worker:gateway-secret")])
    let gateway = try gateway(admits: "tok-1", demandsCertificate: withCertificate)
    let (channel, _) = try channel(gateway, endpoint, hasCertificate: withCertificate)
    for _ in 0..<20 { #expect(try await call(channel) > 0) }
    #expect(try endpoint.requests().count == 1)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("G19 OAuth: a token that the gateway refuses is replaced, and the call succeeds")
  func refusedTokenIsReplaced() async throws {
    let endpoint = try TokenEndpointServer(certificates, steps: [.token("stale"), .token("fresh")])
    let gateway = try gateway(admits: "fresh", demandsCertificate: false)
    let (channel, _) = try channel(gateway, endpoint)
    #expect(try await call(channel) > 0)
    #expect(try endpoint.requests().count == 2)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("G19 OAuth: a gateway that refuses every token is an error, not a storm at the endpoint")
  func everyTokenRefused() async throws {
    let endpoint = try TokenEndpointServer(certificates, steps: [.token("a"), .token("b"), .token("c"), .token("d")])
    let gateway = try gateway(admits: "none of them", demandsCertificate: false)
    let (channel, _) = try channel(gateway, endpoint)
    for _ in 0..<20 {
      let error = await #expect(throws: GRPCError.self) { try await call(channel) }
      #expect(error?.code == .unauthenticated)
    }
    #expect(try endpoint.requests().count == 2, "the first token and one forced renewal; the clock stands still")
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("R14 the token endpoint is down for two minutes while the token is renewed: no call fails")
  func endpointDown() async throws {
    let endpoint = try TokenEndpointServer(certificates, steps: [.token("tok-1", expiresIn: 600)])
    let gateway = try gateway(admits: "tok-1", demandsCertificate: false)
    let clock = TurnedClock()
    let (channel, source) = try channel(gateway, endpoint, clock: clock)
    #expect(try await call(channel) > 0)
    endpoint.stop()
    // Half of the token's life is over: renewal is due and fails, for two minutes by the source's clock.
    clock.turn(331)
    for _ in 0..<60 {
      #expect(try await call(channel) > 0)
      clock.turn(2)
    }
    #expect(source.state.lastError?.code == .connectFailed)
    // Past the token's end calls say what is missing.
    clock.turn(200)
    let error = await #expect(throws: GRPCError.self) { try await call(channel) }
    #expect(error?.code == .unavailable && error?.cause?.contains("no connection to https://localhost") == true)
    await channel.shutdown(grace: .seconds(1))
  }
}
