import Foundation
import GRPCClient
import TLSClient
import TestSupport
import Testing

/// What else is renewed: the server's side, authorities, passphrases; and what happens when nothing is.
@Suite("Rotation of trust", .serialized)
struct RotationOfTrustTests {
  private static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  /// A server certificate for localhost of another authority.
  private func server(of authority: String, in folder: TemporaryFolder) throws -> TestCertificates.Pair {
    let source = try TestCertificates.shared().folder.path
    let script = """
      set -e
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(authority)-server.key -out request -subj /CN=localhost
      printf 'subjectAltName=DNS:localhost\\nextendedKeyUsage=serverAuth\\n' > extensions
      openssl x509 -req -in request -CA \(source)/\(authority).crt -CAkey \(source)/\(authority).key -set_serial 77 \
        -out \(authority)-server.crt -extfile extensions -days 30
      """
    try PeerProcess.run("/bin/bash", ["-c", script], folder: folder.path)
    return TestCertificates.Pair(
      certificate: folder.file("\(authority)-server.crt"), key: folder.file("\(authority)-server.key"))
  }

  @Test("R6 the authority changes from old to both to new while the server switches: no call fails")
  func authorityChange() async throws {
    let certificates = try TestCertificates.shared()
    let pair = try ClientPairs.issue(1, certificates).pairs[0]
    let folder = try TemporaryFolder()
    let (old, new) = (certificates.server, try server(of: "other-ca", in: folder))
    let (crt, key) = (folder.file("shown.crt"), folder.file("shown.key"))
    func show(_ shown: TestCertificates.Pair) throws {
      try folder.write("shown.crt", try Self.text(shown.certificate))
      try folder.write("shown.key", try Self.text(shown.key))
    }
    try show(old)
    let gateway = try Gateway.witness(
      .nginx, backend: try TemporalServer.shared().port, certificates: certificates,
      server: .init(certificate: crt, key: key))
    let bundles = [try Self.text(certificates.authority), try Self.text(certificates.otherAuthority)]
    func files(_ bundle: String) -> [String: String] {
      ["tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": bundle]
    }
    let mount = try SecretMount(files(bundles[0]))
    let channel = try RotationRig.channel(port: gateway.port, folder: mount.path)
    let calls = SteadyCalls(channel)
    try await RotationRig.until("the first connection") { channel.state.isConnected }
    try mount.swap(files(bundles[0] + bundles[1]))
    try await RotationRig.until("both authorities") { channel.state.credentialGeneration == 2 }
    try show(new)
    let connections = channel.state.connections
    gateway.peer.signal(SIGHUP)
    try await RotationRig.until("a connection to the switched server") { channel.state.connections > connections }
    try mount.swap(files(bundles[1]))
    try await RotationRig.until("the new authority alone") { channel.state.credentialGeneration == 3 }
    let outcome = await calls.stop()
    #expect(outcome.errors.isEmpty)
    #expect(channel.state.failedRotations == 0)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("A bundle that does not trust the present server is refused, and taken once the server has switched")
  func bundleAheadOfTheServer() async throws {
    let certificates = try TestCertificates.shared()
    let pair = try ClientPairs.issue(1, certificates).pairs[0]
    let folder = try TemporaryFolder()
    let new = try server(of: "other-ca", in: folder)
    func show(_ shown: TestCertificates.Pair) throws {
      try folder.write("shown.crt", try Self.text(shown.certificate))
      try folder.write("shown.key", try Self.text(shown.key))
    }
    try show(certificates.server)
    let gateway = try Gateway.witness(
      .nginx, backend: try TemporalServer.shared().port, certificates: certificates,
      server: .init(certificate: folder.file("shown.crt"), key: folder.file("shown.key")))
    let files = ["tls.crt": pair.certificate, "tls.key": pair.key]
    let mount = try SecretMount(files.merging(["ca.crt": try Self.text(certificates.authority)]) { $1 })
    let channel = try RotationRig.channel(port: gateway.port, folder: mount.path)
    let call = GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(30))
    _ = try await channel.call(call)
    try mount.swap(files.merging(["ca.crt": try Self.text(certificates.otherAuthority)]) { $1 })
    try await RotationRig.until("the refusal") { channel.state.failedRotations == 1 }
    #expect(channel.state.rotationFault?.contains("authorities") == true, "\(channel.state)")
    _ = try await channel.call(call)
    try show(new)
    gateway.peer.signal(SIGHUP)
    // The next connection with the old bundle fails; that calls for another trial of the new one at once.
    try await RotationRig.until("the new bundle", seconds: 25) {
      Task { _ = try? await channel.call(call) }
      return channel.state.credentialGeneration == 2
    }
    _ = try await channel.call(call)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test(
    "With strict verification, a bundle that does not trust the present server ends its connection at once; a mended one heals"
  )
  func strictReverification() async throws {
    let certificates = try TestCertificates.shared()
    let pair = try ClientPairs.issue(1, certificates).pairs[0]
    let gateway = try Gateway.witness(.nginx, backend: try TemporalServer.shared().port, certificates: certificates)
    let files = ["tls.crt": pair.certificate, "tls.key": pair.key]
    func bundle(_ path: String) throws -> [String: String] { files.merging(["ca.crt": try Self.text(path)]) { $1 } }
    let mount = try SecretMount(try bundle(certificates.authority))
    let channel = try RotationRig.channel(port: gateway.port, folder: mount.path) {
      $0.tls?.reverifiesStrictly = true
    }
    let call = GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(2))
    _ = try await channel.call(call)
    try mount.swap(try bundle(certificates.otherAuthority))
    try await RotationRig.until("the end of the connection") { !channel.state.isConnected }
    #expect(channel.state.credentialGeneration == 2 && channel.state.connections == 1)
    let error = try await Scheduler.failure(of: channel, call)
    #expect(error.code == .unavailable || error.code == .deadlineExceeded, "\(error)")
    #expect(channel.state.lastError?.contains("authorities") == true, "\(channel.state)")
    // A bundle with both trusts the server again.
    try mount.swap(
      files.merging(["ca.crt": try Self.text(certificates.otherAuthority) + Self.text(certificates.authority)]) { $1 })
    try await RotationRig.until("the mended bundle") { channel.state.credentialGeneration == 3 }
    _ = try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(30)))
    await channel.shutdown(grace: .seconds(1))
    gateway.peer.stop()
  }

  @Test("R9 an identity past its end: connecting fails with the reason, the channel says so, and a swap mends it")
  func expiry() async throws {
    let certificates = try TestCertificates.shared()
    let short = try ClientPairs.issue(1, seconds: 25, certificates).pairs[0]
    let long = try ClientPairs.issue(1, first: 0x7700, certificates).pairs[0]
    let rig = try RotationRig(.haproxy, short)
    _ = try await rig.channel.call(SchedulerCalls.systemInfo)
    #expect(rig.channel.state.credentialFault == nil)
    try await RotationRig.until("the end of the certificate", seconds: 60) { rig.channel.state.credentialFault != nil }
    #expect(rig.channel.state.credentialFault?.contains("CN = worker") == true)
    rig.gateway.peer.stop(SIGKILL)
    let gateway = try Gateway.witness(
      .haproxy, backend: rig.server.port, certificates: certificates, port: rig.gateway.port)
    try await RotationRig.until("the loss of the connection") { !rig.channel.state.isConnected }
    let error = try await Scheduler.failure(of: rig.channel, SchedulerCalls.systemInfo)
    #expect(error.code == .unavailable)
    #expect(error.cause?.contains("expired") == true, "\(error)")
    try rig.swap(long)
    try await rig.generation(2)
    #expect(rig.channel.state.credentialFault == nil)
    _ = try await rig.channel.call(SchedulerCalls.systemInfo)
    await rig.channel.shutdown(grace: .seconds(1))
    gateway.peer.stop()
  }

  @Test("R10 an encrypted key and its passphrase change together; an API key changes in its file")
  func passphraseAndKey() async throws {
    let certificates = try TestCertificates.shared()
    let pairs = try ClientPairs.issue(2, certificates).pairs
    let folder = try TemporaryFolder()
    func encrypted(_ pair: ClientPairs.Pair, _ passphrase: String) throws -> String {
      try folder.write("plain", pair.key)
      try PeerProcess.run(
        "/usr/bin/openssl",
        [
          "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "1000", "-in", folder.file("plain"), "-out",
          folder.file("encrypted"), "-passout", "pass:\(passphrase)",
        ])
      return try Self.text(folder.file("encrypted"))
    }
    func files(_ pair: ClientPairs.Pair, _ passphrase: String) throws -> [String: String] {
      [
        "tls.crt": pair.certificate, "tls.key": try encrypted(pair, passphrase), "passphrase": passphrase + "\n",
        "ca.crt": try Self.text(certificates.authority),
      ]
    }
    let mount = try SecretMount(try files(pairs[0], "first words"))
    let gateway = try Gateway.nginx(
      backend: try TemporalServer.shared().port, certificates: certificates,
      location: "if ($http_authorization !~ \"^Bearer sesame-[12]$\") { return 401; }")
    let key = try folder.write("api-key", "sesame-1\n")
    let channel = try Scheduler.channel(
      port: gateway.port, host: "localhost",
      tls: TLSConfiguration(
        trust: .file(mount.file("ca.crt")),
        clientIdentity: .init(
          certificateFile: mount.file("tls.crt"), keyFile: mount.file("tls.key"),
          passphraseFile: mount.file("passphrase")))
    ) {
      $0.apiKeyFile = key
      $0.probePath = Scheduler.systemInfo
    }
    let calls = SteadyCalls(channel)
    try await RotationRig.until("the first connection") { channel.state.isConnected }
    try mount.swap(try files(pairs[1], "other words"))
    try await RotationRig.until("the new pair with its passphrase") { channel.state.credentialGeneration == 2 }
    try folder.write("api-key", "sesame-2\n")
    try await Task.sleep(for: .seconds(3))
    let outcome = await calls.stop()
    #expect(outcome.errors.isEmpty)
    #expect(channel.state.failedRotations == 0)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("R12 without the system's hints a swap is noticed by looking")
  func withoutHints() async throws {
    let pairs = try ClientPairs.issue(2, TestCertificates.shared()).pairs
    let rig = try RotationRig(.nginx, pairs[0]) { $0.rotation.heedsHints = false }
    _ = try await rig.channel.call(SchedulerCalls.systemInfo)
    try rig.swap(pairs[1])
    let begun = ContinuousClock.now
    try await rig.generation(2)
    print("R12: in use after \(ContinuousClock.now - begun) without hints")
    await rig.end()
  }

  @Test("R13 the server's certificate changes: no call fails", arguments: [Gateway.Kind.nginx, .haproxy])
  func serverCertificateChange(_ kind: Gateway.Kind) async throws {
    let certificates = try TestCertificates.shared()
    let pair = try ClientPairs.issue(1, certificates).pairs[0]
    let folder = try TemporaryFolder()
    let new = try server(of: "ca", in: folder)
    try folder.write("shown.crt", try Self.text(certificates.server.certificate))
    try folder.write("shown.key", try Self.text(certificates.server.key))
    let gateway = try Gateway.witness(
      kind, backend: try TemporalServer.shared().port, certificates: certificates,
      server: .init(certificate: folder.file("shown.crt"), key: folder.file("shown.key")))
    let mount = try SecretMount(try RotationRig.files(pair, certificates))
    let channel = try RotationRig.channel(port: gateway.port, folder: mount.path)
    let calls = SteadyCalls(channel)
    try await RotationRig.until("the first connection") { channel.state.isConnected }
    if kind == .nginx {
      try folder.write("shown.crt", try Self.text(new.certificate))
      try folder.write("shown.key", try Self.text(new.key))
      gateway.peer.signal(SIGHUP)
      try await RotationRig.until("another connection") { channel.state.connections == 2 }
    } else {
      let bundle = gateway.folder.file("server.pem")
      let script = """
        import socket
        def tell(text):
            line = socket.socket(socket.AF_UNIX)
            line.connect("\(gateway.folder.file("admin.sock"))")
            line.sendall(text.encode())
            answer = b""
            while part := line.recv(4096):
                answer += part
            return answer.decode()
        pem = open("\(new.certificate)").read() + open("\(new.key)").read()
        print(tell("set ssl cert \(bundle) <<\\n" + pem + "\\n"), tell("commit ssl cert \(bundle)\\n"))
        """
      let answer = try PythonPeer.run(script)
      #expect(answer.contains("Success"), "\(answer)")
    }
    try await Task.sleep(for: .seconds(1))
    let outcome = await calls.stop()
    #expect(outcome.errors.isEmpty)
    // Whoever connects now sees the new certificate.
    let shown = try PeerProcess.run(
      "/bin/bash",
      [
        "-c",
        "openssl s_client -connect localhost:\(gateway.port) </dev/null 2>/dev/null | openssl x509 -noout -serial",
      ])
    #expect(shown.contains("=4D"), "\(shown)")
    await channel.shutdown(grace: .seconds(1))
  }
}
