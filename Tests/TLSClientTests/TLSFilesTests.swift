import Foundation
import TestSupport
import Testing

@testable import TLSClient

/// Certificates and keys as users mount them.
@Suite("TLS files")
struct TLSFilesTests {
  private let certificates: TestCertificates

  init() throws { certificates = try TestCertificates.shared() }

  private func build(
    certificate: String? = nil, key: String? = nil, passphrase: String? = nil, authority: String? = nil
  ) throws(TLSError) {
    let identity = TLSConfiguration.ClientIdentity(
      certificateFile: certificate ?? certificates.client.certificate, keyFile: key ?? certificates.client.key,
      passphraseFile: passphrase)
    let configuration = TLSConfiguration(trust: .file(authority ?? certificates.authority), clientIdentity: identity)
    _ = try TLSContext.make(from: TLSMaterial.read(configuration))
  }

  private func failure(
    certificate: String? = nil, key: String? = nil, passphrase: String? = nil, authority: String? = nil
  ) -> TLSError? {
    do throws(TLSError) {
      try build(certificate: certificate, key: key, passphrase: passphrase, authority: authority)
      return nil
    } catch {
      #expect(error.isLocal)
      return error
    }
  }

  private func text(_ file: String) throws -> String { try String(contentsOfFile: file, encoding: .utf8) }

  @Test("The formats that keys come in")
  func keyFormats() throws {
    let folder = try TemporaryFolder()
    let plain = certificates.client.key
    try build()
    for (name, command) in [
      ("sec1", "ec -in '\(plain)'"), ("with parameters", "ec -in '\(plain)' -param_enc named_curve"),
      ("pkcs8", "pkcs8 -topk8 -nocrypt -in '\(plain)'"),
    ] {
      let file = folder.file(name)
      try PeerProcess.run("/bin/bash", ["-c", "openssl \(command) -out '\(file)'"])
      #expect(failure(key: file) == nil, "\(name)")
    }
    let windows = try folder.write("crlf", text(plain).replacingOccurrences(of: "\n", with: "\r\n"))
    #expect(failure(key: windows) == nil)
    let together = try folder.write("both", text(certificates.client.certificate) + text(plain))
    #expect(failure(certificate: together, key: together) == nil)
    let bytes = try folder.write("der", "0\u{1}not a key")
    #expect(failure(key: bytes)?.message.contains("no PEM private key") == true)
    let cut = try folder.write("cut", String(text(plain).prefix(80)))
    #expect(failure(key: cut)?.code == .fileUnusable)
    #expect(failure(key: certificates.client.certificate)?.code == .fileUnusable)
  }

  @Test("Encrypted keys never prompt")
  func passphrases() throws {
    let folder = try TemporaryFolder()
    let right = try folder.write("right", certificates.passphrase)
    let long = try folder.write("long", String(repeating: "x", count: 5_000))
    let wrong = try folder.write("wrong", "wrong")
    let key = certificates.encryptedKey
    #expect(failure(key: key, passphrase: right) == nil)
    #expect(failure(key: key)?.code == .passphraseMissing)
    #expect(failure(key: key, passphrase: wrong)?.code == .passphraseWrong)
    #expect(failure(key: key, passphrase: long)?.message.contains("1023") == true)
    #expect(failure(key: key, passphrase: "/nowhere")?.code == .fileUnusable)
  }

  @Test("Bundles of authorities")
  func bundles() throws {
    let folder = try TemporaryFolder()
    let (one, two) = (try text(certificates.authority), try text(certificates.otherAuthority))
    #expect(failure(authority: try folder.write("two", "# mine\n" + one + "between\n" + two + one)) == nil)
    let damaged = try folder.write("damaged", one + String(two.prefix(300)))
    #expect(failure(authority: damaged)?.message.contains("certificate 2 in '\(damaged)'") == true)
    let garbled = try folder.write("garbled", one + two.replacingOccurrences(of: "MII", with: "!!!"))
    #expect(failure(authority: garbled)?.code == .fileUnusable)
    #expect(failure(authority: try folder.write("empty", ""))?.code == .fileUnusable)
    #expect(failure(authority: certificates.client.key)?.message.contains("holds no certificate") == true)
  }

  @Test("Client certificates that cannot work")
  func clientCertificates() {
    #expect(failure(key: certificates.stranger.key)?.code == .keyMismatch)
    let expired = failure(certificate: certificates.expired.certificate, key: certificates.expired.key)
    #expect(expired?.code == .clientCertificateExpired)
    #expect(expired?.message.contains("Feb  1 00:00:00 2020 GMT") == true, "\(String(describing: expired))")
    let unsuited = failure(certificate: certificates.server.certificate, key: certificates.server.key)
    #expect(unsuited?.code == .clientCertificateUnsuited)
  }

  @Test("System roots that are not there are noticed")
  func systemRoots() throws {
    let context = try TLSContext.make(from: TLSMaterial.read(TLSConfiguration()))
    #expect(context.configuration == TLSConfiguration())
  }

  @Test(
    "Server names are compared in the form that certificates hold",
    arguments: [
      ("Scheduler.Example.", "scheduler.example"), ("[::1]", "::1"), ("fe80::1%eth0", "fe80::1"),
      ("127.0.0.1", "127.0.0.1"),
    ])
  func names(_ name: String, _ normalized: String) {
    #expect(ServerName.normalized(name) == normalized)
    #expect(ServerName.isAddress(normalized) == (normalized != "scheduler.example"))
  }

  @Test("Random bytes from a server neither trap nor hang the session")
  func randomBytes() throws {
    let context = try TLSContext.make(
      from: TLSMaterial.read(TLSConfiguration(trust: .file(certificates.authority))))
    for round in 0..<300 {
      let session = try TLSSession(context: context, host: "localhost")
      #expect(try !session.handshake())
      #expect(session.takeCiphertext().first == 22)
      var bytes = (0..<200).map { _ in UInt8.random(in: 0...255) }
      if round % 2 == 0 { bytes.replaceSubrange(0..<5, with: [22, 3, 3, 0, UInt8(round % 200)]) }
      session.receive(bytes[...])
      _ = try? session.handshake()
      _ = try? session.read()
      _ = session.takeCiphertext()
    }
  }
}
