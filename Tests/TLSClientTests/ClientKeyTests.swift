import Foundation
import TestSupport
import Testing

@testable import TLSClient

/// Certificates and keys of the client in every form in which they are mounted.
@Suite("Client keys", .serialized)
struct ClientKeyTests {
  private let pki: TestPKI
  private let folder: TemporaryFolder
  private let canary = "canary-7d1f"

  init() throws {
    pki = try TestPKI.shared()
    folder = try TemporaryFolder()
  }

  private func text(_ name: String) throws -> String { try String(contentsOfFile: pki.file(name), encoding: .utf8) }

  private func passphrase(_ text: String) throws -> String { try folder.write("passphrase", text, mode: 0o600) }

  /// Builds a context; nil: it could be built.
  private func fault(
    certificate: String = "client.crt", key: String, passphrase: String? = nil
  ) -> TLSError? {
    func path(_ name: String) -> String { name.hasPrefix("/") ? name : pki.file(name) }
    return fault(
      .init(certificateFile: path(certificate), keyFile: path(key), passphraseFile: passphrase))
  }

  private func fault(_ identity: TLSConfiguration.ClientIdentity) -> TLSError? {
    let configuration = TLSConfiguration(trust: .file(pki.root), clientIdentity: identity)
    let before = openDescriptors()
    defer { #expect(openDescriptors() <= before) }
    do throws(TLSError) {
      _ = try TLSProbe.context(configuration)
      return nil
    } catch {
      #expect(error.isLocal && !error.message.contains(canary) && !error.message.contains(pki.passphrase))
      return error
    }
  }

  @Test("S19 a key of another certificate, and a leaf that is not first, stop before anything is dialed")
  func mismatchedPairs() {
    let other = fault(key: "foreignclient.key")
    #expect(other?.code == .keyMismatch && other?.code.rawValue == "tls.key_mismatch")
    #expect(other?.message.contains(pki.file("foreignclient.key")) == true)
    let reversed = Result { try folder.write("reversed", text("int.crt") + text("client.leaf")) }
    #expect(
      fault(certificate: (try? reversed.get()) ?? "", key: "client.key")?.message.contains("is not the first in")
        == true)
    #expect(fault(certificate: "lateclient.crt", key: "lateclient.key")?.code == .clientCertificateExpired)
    #expect(fault(certificate: "earlyclient.crt", key: "earlyclient.key")?.code == .clientCertificateNotYetValid)
    let authority = fault(certificate: "authority.crt", key: "authority.key")
    #expect(authority?.code == .clientCertificateUnsuited && authority?.message.contains("CA:TRUE") == true)
    #expect(fault(certificate: "good.crt", key: "good.key")?.code == .clientCertificateUnsuited)
  }

  @Test(
    "S20 unencrypted keys: PKCS#8, SEC 1 with and without parameters, PKCS#1",
    arguments: [
      ("client.crt", "key.pkcs8"), ("client.crt", "key.sec1"), ("client.crt", "key.ec"),
      ("client.crt", "key.parameters"),
      ("rsaclient.crt", "key.pkcs1"),
    ])
  func plainKeys(certificate: String, key: String) { #expect(fault(certificate: certificate, key: key) == nil) }

  @Test("S20 line ends of Windows, a byte order mark, trailing garbage, certificate and key in one file")
  func textForms() throws {
    let key = try text("key.pkcs8")
    let forms = [
      "crlf": key.replacingOccurrences(of: "\n", with: "\r\n"), "mark": "\u{FEFF}" + key,
      "garbage": key + "\ngarbage\n",
      "comment": "# made by hand\n" + key,
    ]
    for (name, form) in forms { #expect(fault(key: try folder.write(name, form)) == nil, "\(name)") }
    let both = try folder.write("both", text("client.crt") + key)
    #expect(fault(certificate: both, key: both) == nil)
    let reversed = try folder.write("reversed", key + text("client.crt"))
    #expect(fault(certificate: reversed, key: reversed) == nil)
  }

  @Test(
    "S20 encrypted keys with the right, a wrong and no passphrase",
    arguments: [
      "key.pbes2", "key.scrypt", "key.3des", "key.traditional",
    ])
  func encryptedKeys(key: String) throws {
    for end in ["", "\n", "\r\n"] { #expect(fault(key: key, passphrase: try passphrase(pki.passphrase + end)) == nil) }
    #expect(fault(key: key, passphrase: try passphrase(pki.passphrase + "\n\n"))?.code == .passphraseWrong)
    let wrong = fault(key: key, passphrase: try passphrase(canary))
    #expect(wrong?.code == .passphraseWrong && wrong?.message.contains(pki.file(key)) == true)
    let absent = fault(key: key)
    #expect(absent?.code == .passphraseMissing, "\(String(describing: absent))")
    let long = fault(key: key, passphrase: try passphrase(String(repeating: "x", count: 1024)))
    #expect(long?.code == .passphraseWrong && long?.message.contains("longer than 1023 bytes") == true)
    #expect(fault(key: key, passphrase: try passphrase(""))?.code == .fileUnusable)
  }

  @Test("S20 PKCS#12: AES opens; a wrong or missing passphrase, the legacy form and an archive without a key are named")
  func archives() throws {
    func open(_ name: String, _ passphrase: String?) throws -> TLSError? {
      fault(.init(archiveFile: pki.file(name), passphraseFile: try passphrase.map { try self.passphrase($0) }))
    }
    #expect(try open("client.p12", pki.passphrase + "\n") == nil)
    #expect(try open("client-open.p12", nil) == nil)
    let wrong = try open("client.p12", canary)
    #expect(wrong?.code == .passphraseWrong, "\(String(describing: wrong))")
    #expect(try open("client.p12", nil)?.code == .passphraseMissing)
    let legacy = try open("client-legacy.p12", pki.passphrase)
    #expect(
      legacy?.code == .fileUnusable && legacy?.message.contains("re-encrypt it with AES") == true,
      "\(String(describing: legacy))")
    let bare = try open("client-nokey.p12", pki.passphrase)
    #expect(bare?.message.contains("holds no private key") == true, "\(String(describing: bare))")
    let text = try open("client.crt", pki.passphrase)
    #expect(text?.message.contains("is no PKCS#12 archive but holds a certificate") == true)
    let archive = TLSConfiguration.ClientIdentity(
      archiveFile: pki.file("client.p12"), passphraseFile: try passphrase(pki.passphrase))
    let context = try TLSProbe.context(TLSConfiguration(trust: .file(pki.root), clientIdentity: archive))
    #expect(context.expiries.map(\.kind) == [.client, .issuer, .authority])
    let server = try OpenSSLServer(pki.pair("good"), ["-Verify", "3", "-CAfile", pki.root])
    defer { server.peer.stop() }
    let outcome = try TLSProbe.connect(server.port, context: context)
    #expect(outcome.error == nil && outcome.report?.wasAskedForCertificate == true)
  }

  @Test("S20 files that were mixed up are told apart: DER, an outdated cipher, a cut key, a certificate, a public key")
  func otherContents() throws {
    let cases: [(key: String, words: String)] = [
      ("key.der", "binary data (DER or PKCS#12)"), ("key.rc4", "re-encrypt it with AES"),
      ("client.crt", "are the files of certificate and key exchanged?"), ("client.p12", "binary data"),
      (try folder.write("cut", String(text("key.pkcs8").prefix(90))), "is damaged"),
      (try folder.write("words", "not a key"), "text that is no PEM"),
      (
        try folder.write("ssh", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"),
        "ssh-keygen"
      ),
    ]
    let words = try passphrase(pki.passphrase)
    for (key, expected) in cases {
      let error = fault(key: key, passphrase: words)
      #expect(
        error?.code == .fileUnusable && error?.message.contains(expected) == true,
        "\(key): \(String(describing: error))")
    }
    #expect(fault(key: try folder.write("empty", ""))?.message.contains("is empty") == true)
    #expect(fault(certificate: "key.pkcs8", key: "key.pkcs8")?.message.contains("but a private key") == true)
  }

  @Test("S21 a pipe, a folder, 2 MiB and a file that everybody may write are refused quickly", .timeLimit(.minutes(1)))
  func unsuitableFiles() throws {
    let pipe = folder.file("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    let large = try folder.write("large", String(repeating: "x", count: 2 << 20))
    let open = try folder.write("open", text("client.key"), mode: 0o666)
    let start = ContinuousClock.now
    for (path, words) in [
      (pipe, "is not a regular file"), (folder.path, "is not a regular file"), (large, "is longer than"),
      (open, "can be rewritten by every user"), ("/nowhere", "no file at"),
    ] {
      let error = fault(key: path)
      #expect(
        error?.code == .fileUnusable && error?.message.contains(words) == true, "\(path): \(String(describing: error))")
    }
    for path in [pipe, large, folder.path] {
      #expect(fault(certificate: path, key: "client.key")?.code == .fileUnusable)
    }
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test("A root in the chain, a key for everybody's eyes and an expired authority earn warnings")
  func warnings() throws {
    let chain = try folder.write("chain", text("client.crt") + text("root.crt"))
    let configuration = TLSConfiguration(
      trust: .file(pki.file("bundle.crt")),
      clientIdentity: .init(certificateFile: chain, keyFile: try folder.write("key", text("client.key"), mode: 0o644)))
    let warnings = try TLSProbe.context(configuration).warnings
    #expect(warnings.count == 2, "\(warnings)")
    #expect(warnings.contains { $0.contains("includes the root authority (CN = Test root)") })
    #expect(warnings.contains { $0.contains("can be read by every user") })
    let late = try folder.write("late", text("root.crt") + text("lateclient.leaf"))
    let context = try TLSProbe.context(TLSConfiguration(trust: .file(late)))
    #expect(context.warnings.count == 1 && context.warnings[0].contains("expired on Feb  1"))
  }

  @Test("Intermediates are sent from the leaf upwards whatever their order in the file")
  func chainOrder() throws {
    let server = try OpenSSLServer(pki.pair("good"), ["-Verify", "3", "-CAfile", pki.root])
    defer { server.peer.stop() }
    let mixed = try folder.write("mixed", text("client.leaf") + text("other.crt") + text("int.crt"))
    let configuration = TLSConfiguration(
      trust: .file(pki.root), clientIdentity: .init(certificateFile: mixed, keyFile: pki.file("client.key")))
    #expect(try TLSProbe.connect(server.port, configuration).error == nil)
  }
}
