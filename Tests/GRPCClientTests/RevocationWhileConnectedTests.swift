import Foundation
import GRPCClient
import TLSClient
import TestSupport
import Testing

/// A new revocation list is in force for connections that are open already.
@Suite("Revocation while connected", .serialized)
struct RevocationWhileConnectedTests {
  /// A server certificate for localhost, a list that clears it and one that revokes it, all by the tests' authority.
  private static let script = """
    set -e
    printf '%s\\n' '[ca]' 'default_ca=d' '[d]' 'database=index' 'serial=serial' 'crlnumber=number' 'default_md=sha256' \
      'policy=p' 'new_certs_dir=.' 'default_crl_days=30' 'default_days=30' 'copy_extensions=copy' '[p]' 'commonName=supplied' >ca.cnf
    : >index; echo 4711 >serial; echo 01 >number
    ca() { openssl ca -batch -notext -config ca.cnf -cert "$0/ca.crt" -keyfile "$0/ca.key" "$@" 2>/dev/null; }
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out request -subj /CN=localhost \
      -addext subjectAltName=DNS:localhost -addext extendedKeyUsage=serverAuth 2>/dev/null
    ca -in request -out server.crt
    ca -gencrl -out clean.crl
    ca -revoke server.crt
    ca -gencrl -out revoking.crl
    """

  @Test("S9 a list that revokes the server of an open connection breaks the connection off, and no other is made")
  func listRevokesTheServer() async throws {
    let certificates = try TestCertificates.shared()
    let folder = try TemporaryFolder()
    try PeerProcess.run("/bin/bash", ["-c", Self.script, certificates.folder.path], folder: folder.path)
    func text(_ name: String) throws -> String { try String(contentsOfFile: folder.file(name), encoding: .utf8) }
    let gateway = try Gateway.witness(
      .nginx, backend: try TemporalServer.shared().port, certificates: certificates,
      server: .init(certificate: folder.file("server.crt"), key: folder.file("server.key")))
    let pair = try ClientPairs.issue(1, certificates).pairs[0]
    let files = try RotationRig.files(pair, certificates)
    let mount = try SecretMount(files.merging(["list.crl": try text("clean.crl")]) { $1 })
    let channel = try RotationRig.channel(port: gateway.port, folder: mount.path) {
      $0.tls?.revocation = .init(path: mount.file("list.crl"))
    }
    _ = try await channel.call(SchedulerCalls.systemInfo)
    #expect(channel.state.isConnected)
    try mount.swap(files.merging(["list.crl": try text("revoking.crl")]) { $1 })
    try await RotationRig.until("the end of the connection") { !channel.state.isConnected }
    #expect(channel.state.credentialGeneration == 2)
    let error = try await Scheduler.failure(of: channel, SchedulerCalls.systemInfo)
    #expect(error.code == .unavailable)
    #expect(error.description.contains("revoked"), "\(error)")
    await channel.shutdown(grace: .seconds(1))
    gateway.peer.stop()
  }
}
