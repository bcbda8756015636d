import Foundation
import TestSupport
import Testing

@testable import TLSClient

/// Revocation lists, against `openssl s_server`.
@Suite("Revocation", .serialized)
struct RevocationTests {
  private let pki: TestPKI

  init() throws { pki = try TestPKI.shared() }

  private func configuration(_ list: String, _ policy: TLSConfiguration.Revocation.Policy = .fail) -> TLSConfiguration {
    var configuration = TLSProbe.configuration(pki)
    configuration.revocation = .init(path: pki.file(list), policy: policy)
    return configuration
  }

  private func meet(
    _ name: String, _ list: String, _ policy: TLSConfiguration.Revocation.Policy = .fail
  ) throws -> TLSProbe.Outcome {
    let server = try OpenSSLServer(pki.pair(name))
    defer { server.peer.stop() }
    let outcome = try TLSProbe.connect(server.port, configuration(list, policy))
    if outcome.error != nil { #expect(!server.sawHTTP) }
    return outcome
  }

  @Test(
    "S9 a revoked server certificate is refused, whatever the policy",
    arguments: [
      TLSConfiguration.Revocation.Policy.fail, .soft,
    ])
  func revokedServerCertificateIsRefused(policy: TLSConfiguration.Revocation.Policy) throws {
    #expect(try meet("good", "all.crl", policy).error == nil)
    let error = try meet("revoked", "all.crl", policy).error
    #expect(error?.code == .serverRevoked && error?.code.rawValue == "tls.revoked")
    #expect(error?.message.contains(pki.file("all.crl")) == true)
    if policy == .soft { #expect(try meet("revoked", "stale-revoking.crl", .soft).error?.code == .serverRevoked) }
  }

  @Test("S9 a missing and a stale list refuse the server; the soft policy accepts it with a warning")
  func undeterminedRevocationFollowsThePolicy() throws {
    for list in ["int.crl", "stale.crl"] {
      let strict = try meet("good", list)
      #expect(strict.error?.code == .revocationUndetermined, "\(list): \(strict)")
      #expect(strict.error?.message.contains(pki.file(list)) == true)
      let soft = try meet("good", list, .soft)
      #expect(soft.error == nil)
      #expect(soft.report?.undeterminedRevocations.isEmpty == false)
    }
    #expect(try meet("good", "all.crl", .soft).report?.undeterminedRevocations == [])
  }

  @Test("S9 lists may stand in a folder")
  func listsMayStandInAFolder() throws {
    let folder = try TemporaryFolder()
    try folder.write("root.pem", try String(contentsOfFile: pki.file("root.crl"), encoding: .utf8))
    try folder.write("int.pem", try String(contentsOfFile: pki.file("int.crl"), encoding: .utf8))
    var configuration = configuration("all.crl")
    configuration.revocation?.path = folder.path
    for (name, code) in [("good", nil), ("revoked", TLSError.Code.serverRevoked)] {
      let server = try OpenSSLServer(pki.pair(name))
      #expect(try TLSProbe.connect(server.port, configuration).error?.code == code)
      server.peer.stop()
    }
  }

  @Test("A live session is judged again by newer lists, authorities and demands")
  func liveSessionsAreJudgedAgain() throws {
    let server = try OpenSSLServer(pki.pair("revoked"))
    defer { server.peer.stop() }
    let outcome = try TLSProbe.connect(server.port, configuration("clean.crl"))
    let session = try #require(outcome.session)
    #expect(outcome.error == nil)
    func verdict(_ configuration: TLSConfiguration) throws -> TLSError.Code? {
      let context = try TLSProbe.context(configuration)
      do throws(TLSError) {
        try context.recheck(session)
        return nil
      } catch {
        return error.code
      }
    }
    #expect(try verdict(configuration("clean.crl")) == nil)
    #expect(try verdict(configuration("all.crl")) == .serverRevoked)
    #expect(try verdict(configuration("stale.crl")) == .revocationUndetermined)
    #expect(try verdict(configuration("stale.crl", .soft)) == nil)
    #expect(try verdict(TLSConfiguration(trust: .file(pki.otherRoot))) == .serverUntrusted)
    var pinned = TLSProbe.configuration(pki)
    pinned.pins = [PublicKeyPin(digest: Array(repeating: 7, count: 32))]
    #expect(try verdict(pinned) == .pinMismatch)
  }

  @Test("Lists that are damaged, empty or no lists are named")
  func unusableListsAreNamed() throws {
    let folder = try TemporaryFolder()
    let list = try String(contentsOfFile: pki.file("int.crl"), encoding: .utf8)
    for (text, words) in [
      (String(list.prefix(120)), "revocation list 1 in"), ("", "holds no revocation list but nothing"),
      (try String(contentsOfFile: pki.root, encoding: .utf8), "holds no revocation list but a certificate"),
    ] {
      let file = try folder.write("list", text)
      var configuration = TLSProbe.configuration(pki)
      configuration.revocation = .init(path: file)
      #expect {
        try TLSProbe.context(configuration)
      } throws: { error in
        (error as? TLSError)?.code == .fileUnusable && "\(error)".contains(words) && "\(error)".contains(file)
      }
    }
  }
}
