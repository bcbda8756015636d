import Foundation
import TestSupport
import Testing

@testable import TLSClient

/// Bundles of authorities, and the system's.
@Suite("Trust", .serialized)
struct TrustBundleTests {
  private let pki: TestPKI

  init() throws { pki = try TestPKI.shared() }

  private func text(_ name: String) throws -> String { try String(contentsOfFile: pki.file(name), encoding: .utf8) }

  private func load(_ bundle: String) -> Result<TLSContext, TLSError> {
    Result { () throws(TLSError) in try TLSProbe.context(TLSConfiguration(trust: .file(bundle))) }
  }

  private func error(_ bundle: String) -> TLSError? {
    if case .failure(let error) = load(bundle) { return error }
    return nil
  }

  @Test("S11 bundles: damaged second certificate, junk between, empty, a key, duplicates")
  func bundles() throws {
    let folder = try TemporaryFolder()
    let (root, other) = (try text("root.crt"), try text("other.crt"))
    let cut = try folder.write("cut", root + String(other.prefix(300)))
    #expect(error(cut)?.code == .fileUnusable)
    #expect(error(cut)?.message.contains("certificate 2 in '\(cut)' is damaged") == true)
    let junk = try load(folder.write("junk", "# ours\n" + root + "\nanything at all\n" + other)).get()
    #expect(junk.expiries.map(\.subject) == ["CN = Test root", "CN = Test other"])
    #expect(junk.expiries.allSatisfy { $0.kind == .authority })
    #expect(junk.trustSource.hasPrefix("2 from"))
    let empty = error(try folder.write("empty", ""))
    #expect(empty?.code == .fileUnusable && empty?.message.contains("holds no certificate but nothing") == true)
    let key = error(pki.file("good.key"))
    #expect(key?.code == .fileUnusable && key?.message.contains("holds no certificate but a private key") == true)
    let der = error(pki.file("client.der"))
    #expect(der?.message.contains("binary data (DER or PKCS#12)") == true, "\(String(describing: der))")
    #expect(error(try folder.write("double", root + root + root)) == nil)
  }

  @Test("S11 a folder of bundles counts whole; a damaged file in it is named")
  func folders() throws {
    let folder = try TemporaryFolder()
    try folder.write("a.pem", text("root.crt"))
    try folder.write("b.pem", text("other.crt"))
    #expect(try load(folder.path).get().expiries.count == 2)
    try folder.write("c.pem", "nothing")
    #expect(error(folder.path)?.message.contains("/c.pem' holds no certificate") == true)
  }

  @Test("S12 without the system's authorities nothing starts: 0 trust anchors")
  func absentSystemRootsAreAnError() throws {
    // The library reads these variables at each call; they are set for this moment only, and tests run one by one.
    setenv("SSL_CERT_FILE", "/nowhere/bundle.pem", 1)
    setenv("SSL_CERT_DIR", "/nowhere", 1)
    defer {
      unsetenv("SSL_CERT_FILE")
      unsetenv("SSL_CERT_DIR")
    }
    let missing = Result { () throws(TLSError) in try TLSProbe.context(TLSConfiguration()) }
    guard case .failure(let error) = missing else {
      Issue.record("a context without any authority was built")
      return
    }
    #expect(error.code == .noTrustAnchors && error.isLocal)
    #expect(error.message.contains("0 trust anchors in '/nowhere/bundle.pem'"))
    setenv("SSL_CERT_FILE", pki.root, 1)
    let found = try TLSProbe.context(TLSConfiguration())
    #expect(found.trustSource.hasPrefix("1 of the system from '\(pki.root)' (1)"), "\(found.trustSource)")
  }

  @Test("The system's authorities join a private bundle only when asked for")
  func systemRootsJoinOnRequest() throws {
    var configuration = TLSConfiguration(trust: .file(pki.root))
    #expect(try TLSProbe.context(configuration).trustSource == "1 from '\(pki.root)'")
    configuration.appendsSystemRoots = true
    let source = try TLSProbe.context(configuration).trustSource
    #expect(source.contains("1 from '\(pki.root)', ") && source.contains(" of the system from "))
  }
}
