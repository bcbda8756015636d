import Egress
import Foundation
import Secrets
import TLSClient
import TestSupport
import Testing

@testable import OAuthClient

/// A real token endpoint (Python's http.server behind its ssl module), asked by the real client.
@Suite("The token endpoint", .serialized)
struct TokenEndpointTests {
  private let certificates: TestCertificates
  private static let secret = "canary-s3cret/+%"

  init() throws { certificates = try TestCertificates.shared() }

  private func server(_ steps: TokenEndpointServer.Step...) throws -> TokenEndpointServer {
    try TokenEndpointServer(certificates, steps: steps)
  }

  private func endpoint(
    _ url: String, _ authentication: ClientAuthentication? = nil,
    change: (inout TokenEndpointConfiguration) throws -> Void = { _ in }
  ) throws -> TokenEndpoint {
    var configuration = TokenEndpointConfiguration(
      url: try TokenURL(url), clientIdentifier: "sallyport:1",
      authentication: authentication ?? .basic(.value(SharedSecret(copying: Self.secret.utf8))),
      tls: TLSConfiguration(trust: .file(certificates.authority)))
    configuration.scope = "temporal.write"
    try change(&configuration)
    return TokenEndpoint(configuration)
  }

  /// The failure of one request, whose text must hold no secret.
  private func failure(_ endpoint: TokenEndpoint) throws -> OAuthError {
    let error = try #require(throws: OAuthError.self) { try endpoint.grant().get() }
    #expect(!"\(error)".contains("canary") && !error.message.contains("canary"))
    #expect(!error.message.contains(Data("sallyport%3A1:".utf8).base64EncodedString().prefix(12)))
    return error
  }

  private func text(_ secret: SharedSecret) -> String { secret.withBytes { String(decoding: $0, as: UTF8.self) } }

  // MARK: What is sent

  @Test func basicAuthenticationIsSentWithTheForm() throws {
    let server = try server(.token("T1", expiresIn: 60))
    let endpoint = try endpoint(server.url) { $0.audience = "https://scheduler.example" }
    let grant = try endpoint.grant().get()
    #expect(text(grant.token) == "T1" && grant.lifetime == .seconds(60))
    let request = try #require(try server.requests().first)
    #expect(request.method == "POST" && request.path == "/oauth/token")
    #expect(
      request.body == "grant_type=client_credentials&scope=temporal.write&audience=https%3A%2F%2Fscheduler.example")
    let pair = "sallyport%3A1:canary-s3cret%2F%2B%25"
    #expect(request.headers["authorization"] == "Basic " + Data(pair.utf8).base64EncodedString())
    #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
    #expect(request.headers["accept"] == "application/json" && request.headers["user-agent"] == "sallyport")
    #expect(request.headers["cookie"] == nil && request.headers["expect"] == nil)
  }

  @Test func theSecretMayStandInTheForm() throws {
    let server = try server(.token("T1"))
    _ = try endpoint(server.url, .post(.value(SharedSecret(copying: Self.secret.utf8)))).grant().get()
    let request = try #require(try server.requests().first)
    #expect(request.headers["authorization"] == nil)
    #expect(request.body.hasSuffix("&client_id=sallyport%3A1&client_secret=canary-s3cret%2F%2B%25"))
  }

  @Test("A projected service-account token serves as assertion and is read anew for each request")
  func assertionFile() throws {
    let server = try server(.token("T1"))
    let file = try server.folder.write("assertion", "eyJ.one.sig\n")
    let endpoint = try endpoint(server.url, .assertion(SecretFile(path: file)))
    _ = try endpoint.grant().get()
    try server.folder.write("assertion", "eyJ.two.sig\n")
    #expect(endpoint.hasNewCredentials())
    _ = try endpoint.grant().get()
    #expect(!endpoint.hasNewCredentials())
    let bodies = try server.requests().map(\.body)
    let type = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    #expect(bodies.count == 2 && bodies.allSatisfy { $0.contains(type) })
    #expect(bodies[0].hasSuffix("client_assertion=eyJ.one.sig") && bodies[1].hasSuffix("client_assertion=eyJ.two.sig"))
  }

  @Test("RFC 8705: the client's certificate alone says who asks")
  func clientCertificate() throws {
    let server = try TokenEndpointServer(certificates, steps: [.token("T1")], demandsCertificate: true)
    let pair = certificates.client
    let identity = TLSConfiguration.ClientIdentity(certificateFile: pair.certificate, keyFile: pair.key)
    _ = try endpoint(server.url, .certificate) { $0.tls.clientIdentity = identity }.grant().get()
    let request = try #require(try server.requests().first)
    #expect(!request.client.isEmpty)
    #expect(request.body.hasSuffix("&client_id=sallyport%3A1") && request.headers["authorization"] == nil)
    let error = try failure(try endpoint(server.url, .certificate))
    // The server's alert is read, or lost when the request crosses it: both name the certificate.
    #expect([.tlsFailed, .connectionLost].contains(error.code), "\(error)")
    #expect(error.message.contains("may demand a client certificate"), "\(error)")
    #expect(try server.requests().count == 1)
  }

  @Test func aSecretThatWasReplacedIsTriedAtOnceAfterARefusal() throws {
    var step = TokenEndpointServer.Step.token("T1", basic: "sallyport%3A1:new-secret")
    step.delay = 1
    let server = try server(step)
    let file = try server.folder.write("secret", "old-secret\n", mode: 0o600)
    let endpoint = try endpoint(server.url, .basic(.file(SecretFile(path: file))))
    #expect(try failure(endpoint).code == .clientRefused)
    let folder = server.folder
    let writer = Thread {
      usleep(300_000)
      _ = try? folder.write("secret", "new-secret\n", mode: 0o600)
    }
    writer.start()
    #expect(text(try endpoint.grant().get().token) == "T1")
    #expect(try server.requests().count == 3)
  }

  // MARK: What comes back

  /// Answer of the endpoint → the kind of error, and words of its text.
  @Test(
    arguments: [
      (
        .answer(401, #"{"error":"invalid_client","error_description":"canary-s3cret/+% is wrong"}"#), .clientRefused,
        "HTTP 401"
      ),
      (.answer(400, #"{"error":"invalid_scope"}"#), .grantRefused, "scope"),
      (.answer(403, "no"), .grantRefused, "HTTP 403"),
      (.answer(429, "", headers: ["Retry-After": "17"]), .throttled, "429"),
      (.answer(503, "", headers: ["Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"]), .serverFailed, "HTTP 503"),
      (.answer(302, "", headers: ["Location": "https://localhost:1/elsewhere"]), .unexpectedStatus, "never followed"),
      (.answer(200, "<html>canary</html>", headers: ["Content-Type": "text/html"]), .responseInvalid, "text/html"),
      (.answer(200, #"{"token_type":"Bearer"}"#), .responseInvalid, "no access_token"),
      (.token("canary-token", type: "mac"), .tokenTypeUnsupported, "'mac'"),
    ] as [(TokenEndpointServer.Step, OAuthError.Code, String)])
  func answersThatAreNoToken(step: TokenEndpointServer.Step, code: OAuthError.Code, words: String) throws {
    let server = try server(step)
    let error = try failure(try endpoint(server.url))
    #expect(error.code == code && error.message.contains(words), "\(error)")
    #expect(error.retryAfter == (code == .throttled ? .seconds(17) : nil))
    #expect(try server.requests().count == 1, "neither a redirect nor a second attempt")
  }

  @Test func anAnswerOfTenMegabytesIsCutOff() throws {
    var step = TokenEndpointServer.Step()
    step.size = 10 << 20
    let server = try server(step)
    let error = try failure(try endpoint(server.url))
    #expect(error.code == .responseInvalid && error.message.contains("longer than 65536 bytes"), "\(error)")
  }

  @Test func aSlowEndpointIsGivenUpInTime() throws {
    let server = try server(.token("T1", delay: 30))
    let start = ContinuousClock.now
    let error = try failure(try endpoint(server.url) { $0.timeout = .seconds(1) })
    #expect(error.code == .timedOut && error.message.contains("gave no complete answer within 1 s"), "\(error)")
    #expect(ContinuousClock.now - start < .seconds(15))
  }

  @Test("A connection that breaks before or within the answer is no token", arguments: ["before", "middle"])
  func brokenAnswer(place: String) throws {
    var step = TokenEndpointServer.Step.token("canary-token")
    step.close = place
    let server = try server(step)
    #expect(try failure(try endpoint(server.url)).code == .connectionLost)
  }

  @Test func fiftyRequestsLeaveNoDescriptorBehind() throws {
    let server = try server(.token("T1"))
    let endpoint = try endpoint(server.url)
    func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
    _ = try endpoint.grant().get()
    let before = try descriptors()
    for _ in 0..<50 { _ = try endpoint.grant().get() }
    #expect(try descriptors() <= before + 5, "other suites of this process may hold a few")
    #expect(try server.requests().count == 51)
  }

  // MARK: The way there

  @Test func aRefusedConnectionAndAnUnknownNameAreToldApart() throws {
    let port = try LoopbackPort.free()
    let refused = try failure(try endpoint("https://localhost:\(port)/t"))
    #expect(refused.code == .connectFailed && refused.message.contains("check host, port"), "\(refused)")
    let unknown = try failure(try endpoint("https://no-such-host.invalid/t"))
    #expect(unknown.code == .nameNotResolved && unknown.message.contains("no-such-host.invalid"), "\(unknown)")
  }

  @Test func aCertificateOfAnotherAuthorityIsRefusedBeforeAnythingIsSent() throws {
    let server = try server(.token("T1"))
    let error = try failure(try endpoint(server.url) { $0.tls.trust = .file(certificates.otherAuthority) })
    #expect(error.code == .tlsFailed)
    #expect(
      error.message.contains("does not come from the authorities in '\(certificates.otherAuthority)'"), "\(error)")
    let system = try failure(try endpoint(server.url) { $0.tls.trust = .systemRoots })
    #expect(system.code == .tlsFailed && system.message.contains("the system's authorities"), "\(system)")
    #expect(try server.requests().isEmpty)
  }

  @Test func aCertificateForAnotherHostIsRefused() throws {
    // Its common name is localhost: the subject alone must not do.
    let server = try TokenEndpointServer(certificates, steps: [.token("T1")], server: certificates.otherHost)
    let error = try failure(try endpoint(server.url))
    #expect(error.code == .tlsFailed && error.message.contains("is not for 'localhost'"), "\(error)")
    #expect(try server.requests().isEmpty)
  }

  @Test func anAddressLiteralIsCheckedAgainstTheCertificate() throws {
    let server = try server(.token("T1"))
    #expect(text(try endpoint("https://127.0.0.1:\(server.port)/t").grant().get().token) == "T1")
  }

  @Test func aPortWithoutTLSIsToldAsSuch() throws {
    let server = try TokenEndpointServer(certificates, steps: [.token("T1")], isPlaintext: true)
    let error = try failure(try endpoint("https://localhost:\(server.port)/t"))
    #expect(error.code == .tlsFailed && error.message.contains("does not speak TLS"), "\(error)")
    #expect(text(try endpoint(server.url).grant().get().token) == "T1", "http is fine on this machine")
  }

  @Test(
    "TLS 1.1 and ciphers without forward secrecy or AEAD are refused",
    arguments: [
      ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], ["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
      ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"],
    ])
  func weakTLS(options: [String]) throws {
    let folder = try TemporaryFolder()
    let port = try LoopbackPort.free()
    let pair = certificates.server
    let peer = try BackgroundPeer(
      "openssl",
      ["s_server", "-accept", "127.0.0.1:\(port)", "-cert", pair.certificate, "-key", pair.key, "-www", "-quiet"]
        + options, folder: folder.path)
    defer { peer.stop() }
    try peer.waitForPort(port)
    let error = try failure(try endpoint("https://localhost:\(port)/t"))
    #expect(error.code == .tlsFailed, "\(error)")
  }

  /// OpenSSL is started once in a process, so the proof needs a process of its own.
  @Test("OPENSSL_CONF loads nothing into this process, though libcurl by itself would read it")
  func opensslConfiguration() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "openssl.cnf",
      """
      config_diagnostics = 1
      openssl_conf = init
      [init]
      providers = all
      [all]
      injected = module
      [module]
      module = /nowhere/injected.so
      activate = 1

      """)
    // The configuration bites: with it OpenSSL's own program has no ciphers left.
    #expect(try PeerProcess.capture("/usr/bin/openssl", ["ciphers"], environment: ["OPENSSL_CONF": file]).status != 0)
    await #expect(processExitsWith: .success) { [file = file as String] in
      let certificates = try TestCertificates.shared()
      let server = try TokenEndpointServer(certificates, steps: [.token("T1")])
      setenv("OPENSSL_CONF", file, 1)
      let configuration = TokenEndpointConfiguration(
        url: try TokenURL(server.url), clientIdentifier: "id",
        authentication: .basic(.value(SharedSecret(copying: "secret".utf8))),
        tls: TLSConfiguration(trust: .file(certificates.authority)))
      _ = try TokenEndpoint(configuration).grant().get()
      server.stop()
    }
  }

  @Test func filesThatAreMissingAreNamedBeforeAnythingIsDialed() throws {
    let listener = try RawServer { _ in }
    let url = "https://localhost:\(listener.port)/t"
    let secret = try failure(try endpoint(url, .basic(.file(SecretFile(path: "/nowhere/secret")))))
    #expect(secret.code == .fileUnusable && secret.message.contains("no file at '/nowhere/secret'"), "\(secret)")
    let authority = try failure(try endpoint(url) { $0.tls.trust = .file("/nowhere/ca.crt") })
    #expect(
      authority.code == .fileUnusable && authority.message.contains("no file at '/nowhere/ca.crt'"), "\(authority)")
    #expect(listener.connections == 0)
  }

  // MARK: Egress

  @Test("Name and address are checked before a connection is opened")
  func egress() throws {
    let server = try server(.token("T1"))
    let name = try failure(try endpoint(server.url) { $0.egress = try EgressPolicy(parsing: "elsewhere.example:443") })
    #expect(name.code == .egressRefused && name.message.contains("'localhost' on port \(server.port)"), "\(name)")
    let address = try failure(try endpoint(server.url) { $0.egress = try EgressPolicy(parsing: "10.0.0.0/8:*") })
    #expect(address.code == .egressRefused && address.message.contains("'localhost' leads to "), "\(address)")
    #expect(try server.requests().isEmpty)
    let open = try endpoint(server.url) { $0.egress = try EgressPolicy(parsing: "127.0.0.1:*") }
    #expect(text(try open.grant().get().token) == "T1")
  }

  @Test("A tunnel through a real proxy; the environment's proxy is never used")
  func proxy() throws {
    let server = try server(.token("T1"))
    let folder = try TemporaryFolder("sallyport-tinyproxy")
    let port = try LoopbackPort.free()
    let configuration = try folder.write(
      "tinyproxy.conf",
      "Port \(port)\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth worker canary-proxy\nLogLevel Connect\n")
    let peer = try BackgroundPeer("tinyproxy", ["-d", "-c", configuration], folder: folder.path)
    defer { peer.stop() }
    try peer.waitForPort(port)
    let proxy = ProxyTarget(
      host: "127.0.0.1", port: port,
      credentials: ProxyCredentials(
        user: SharedSecret(copying: "worker".utf8), password: .fixed(SharedSecret(copying: "canary-proxy".utf8))))
    let through = try endpoint(server.url) { $0.proxy = proxy }
    #expect(text(try through.grant().get().token) == "T1")
    #expect(peer.log.contains("CONNECT localhost:\(server.port)"), "\(peer.log)")
    let refused = try failure(try endpoint(server.url) { $0.proxy = .init(host: "127.0.0.1", port: port) })
    #expect(refused.code == .proxyFailed && refused.message.contains("proxy 127.0.0.1:\(port)"), "\(refused)")
    // The same spoken to in TLS, whose authorities and name are verified apart from the endpoint's.
    let secured = try TestProxy.secured(
      TestProxy(port: port, peer: peer, folder: folder), certificates.server)
    defer { secured.peer.stop() }
    func inTLS(_ authorities: String, host: String = "127.0.0.1") -> ProxyTarget {
      var target = proxy
      (target.host, target.port, target.isSecure, target.authorities) = (host, secured.port, true, authorities)
      return target
    }
    for host in ["127.0.0.1", "localhost"] {
      let within = try endpoint(server.url) { $0.proxy = inTLS(certificates.authority, host: host) }
      #expect(text(try within.grant().get().token) == "T1")
    }
    let foreign = try failure(try endpoint(server.url) { $0.proxy = inTLS(certificates.otherAuthority) })
    #expect(foreign.code == .proxyFailed, "\(foreign)")
    #expect(foreign.message.contains("no TLS with the proxy 127.0.0.1:\(secured.port)"), "\(foreign)")
    let misnamed = try TestProxy.secured(TestProxy(port: port, peer: peer, folder: folder), certificates.otherHost)
    defer { misnamed.peer.stop() }
    var other = inTLS(certificates.authority)
    other.port = misnamed.port
    #expect(try failure(try endpoint(server.url) { $0.proxy = other }).code == .proxyFailed)
    // What is checked: the tunnel's end and the proxy by name, the proxy by address.
    for (rules, isAdmitted) in [
      ("localhost:\(server.port),127.0.0.1:\(port)", true), ("127.0.0.1:*", false), ("localhost:\(server.port)", false),
    ] {
      let checked = try endpoint(server.url) {
        $0.proxy = proxy
        $0.egress = try EgressPolicy(parsing: rules)
      }
      if isAdmitted { _ = try checked.grant().get() } else { #expect(try failure(checked).code == .egressRefused) }
    }
    let absent = try LoopbackPort.free()
    let unreachable = try failure(try endpoint(server.url) { $0.proxy = .init(host: "127.0.0.1", port: absent) })
    #expect(unreachable.code == .proxyFailed, "\(unreachable)")
    setenv("HTTPS_PROXY", "http://127.0.0.1:\(absent)", 1)
    setenv("ALL_PROXY", "http://127.0.0.1:\(absent)", 1)
    defer {
      unsetenv("HTTPS_PROXY")
      unsetenv("ALL_PROXY")
    }
    #expect(text(try endpoint(server.url).grant().get().token) == "T1")
  }
}
