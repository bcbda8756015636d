import Foundation
import GRPCClient
import Secrets
import TLSClient
import TestSupport
import Testing

@testable import Worker

/// The variables of identity beyond certificate and key.
@Suite struct ConfigurationTLSTests {
  let fixture: ConfigurationFixture

  init() throws {
    fixture = try ConfigurationFixture()
    try fixture.write("list.crl", "-----BEGIN X509 CRL-----\n")
    try fixture.write("lists/one.crl", "-----BEGIN X509 CRL-----\n")
    try fixture.write("authorities/one.crt", "-----BEGIN CERTIFICATE-----\n")
    try fixture.write("client.p12", "0canary")
    try fixture.write("passphrase", "canary-passphrase\n")
  }

  private func tls(_ values: [String: String]) throws -> TLSConfiguration {
    try #require(try fixture.configuration(values).scheduler.tls)
  }

  @Test func everyVariableReachesTheConfiguration() throws {
    let pins = [
      "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    ]
    let tls = try tls([
      "TEMPORAL_TLS_CA": fixture.path("authorities"), "TEMPORAL_TLS_CA_APPEND_SYSTEM": "true",
      "TEMPORAL_TLS_PARTIAL_CHAIN": "yes", "TEMPORAL_TLS_CRL": fixture.path("lists"), "TEMPORAL_TLS_CRL_POLICY": "SOFT",
      "TEMPORAL_TLS_PINS": pins.joined(separator: ", "), "TEMPORAL_TLS_SPIFFE_ID": "spiffe://prod.example/frontend",
      "TEMPORAL_TLS_REQUIRE_CERT_REQUEST": "1", "TEMPORAL_TLS_STRICT_REVERIFY": "on",
      "TEMPORAL_TLS_PKCS12": fixture.path("client.p12"),
      "TEMPORAL_TLS_KEY_PASSPHRASE_FILE": fixture.path("passphrase"), "SALLYPORT_FIPS": "off",
    ])
    #expect(tls.trust == .file(fixture.path("authorities")) && tls.appendsSystemRoots && tls.acceptsPartialChain)
    #expect(tls.revocation == .init(path: fixture.path("lists"), policy: .soft))
    #expect(tls.pins.count == 2 && tls.pins.contains { $0.description == pins[0] })
    #expect(tls.spiffeID?.text == "spiffe://prod.example/frontend")
    #expect(tls.requiresCertificateRequest && tls.reverifiesStrictly && !tls.requiresFIPS)
    #expect(
      tls.clientIdentity
        == .init(archiveFile: fixture.path("client.p12"), passphraseFile: fixture.path("passphrase")))
    let plain = try self.tls(["TEMPORAL_TLS": "on", "TEMPORAL_TLS_CRL": fixture.path("list.crl")])
    #expect(plain.revocation == .init(path: fixture.path("list.crl"), policy: .fail))
    #expect(
      !plain.appendsSystemRoots && !plain.acceptsPartialChain && !plain.requiresCertificateRequest
        && !plain.reverifiesStrictly)
  }

  @Test func theAuthorityReachesTheChannel() throws {
    #expect(
      try fixture.configuration(["TEMPORAL_TLS_AUTHORITY": "frontend:7233"]).scheduler.channel.authority
        == "frontend:7233")
    #expect(try fixture.configuration().scheduler.channel.authority == nil)
  }

  @Test(arguments: [
    ("TEMPORAL_TLS_PINS", "sha1/x"), ("TEMPORAL_TLS_PINS", "sha256/short"), ("TEMPORAL_TLS_SPIFFE_ID", "https://x/y"),
    ("TEMPORAL_TLS_SPIFFE_ID", "spiffe://Prod/x"), ("TEMPORAL_TLS_CRL_POLICY", "never"), ("SALLYPORT_FIPS", "maybe"),
    ("TEMPORAL_TLS_PARTIAL_CHAIN", "perhaps"), ("TEMPORAL_TLS_REQUIRE_CERT_REQUEST", "perhaps"),
    ("TEMPORAL_TLS_AUTHORITY", "https://x"), ("TEMPORAL_TLS_AUTHORITY", "a/b"), ("TEMPORAL_TLS_AUTHORITY", "a b"),
    ("TEMPORAL_TLS_CRL", "/no/such"), ("TEMPORAL_TLS_PKCS12", "/no/such"),
  ])
  func wrongValuesAreNamedWithAnExample(name: String, value: String) {
    let faults = fixture.faults([name: value])
    #expect(faults.count == 1, "\(faults)")
    #expect(faults.first?.hasPrefix(name + ": ") == true && faults.first?.contains("for example \(name)=") == true)
  }

  @Test func whatDoesNotGoTogetherIsRefused() {
    let archive = ["TEMPORAL_TLS_PKCS12": fixture.path("client.p12")]
    let pair = ["TEMPORAL_TLS_CERT": fixture.path("tls.crt"), "TEMPORAL_TLS_KEY": fixture.path("tls.key")]
    #expect(fixture.faults(archive.merging(pair) { $1 }).first?.contains("set together with TEMPORAL_TLS_CERT") == true)
    #expect(
      fixture.faults(["TEMPORAL_TLS_CA_APPEND_SYSTEM": "true"]).first?.contains("without TEMPORAL_TLS_CA") == true)
    #expect(
      fixture.faults(["TEMPORAL_TLS_CRL": fixture.path("tls.key")]).first?.contains("holds no -----BEGIN X509 CRL-----")
        == true)
    for (name, value) in [
      ("TEMPORAL_TLS_PINS", "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
      ("TEMPORAL_TLS_SPIFFE_ID", "spiffe://a/b"), ("TEMPORAL_TLS_CRL", fixture.path("list.crl")),
      ("TEMPORAL_TLS_PKCS12", fixture.path("client.p12")), ("TEMPORAL_TLS_REQUIRE_CERT_REQUEST", "true"),
    ] {
      let faults = fixture.faults([name: value, "TEMPORAL_TLS": "off"])
      #expect(faults.count == 1 && faults[0].contains("off, yet \(name) is set"), "\(faults)")
    }
  }

  @Test func aSinglePinAndAPolicyWithoutListsEarnAWarning() throws {
    let values = [
      "TEMPORAL_TLS_PINS": "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "TEMPORAL_TLS_CRL_POLICY": "soft",
    ]
    let warnings = try fixture.configuration(values).warnings
    #expect(warnings.count == 2 && warnings.contains { $0.contains("one pin only") })
  }

  @Test("S27 SALLYPORT_FIPS=required without the provider refuses to start and says what is missing")
  func requiredFIPSModeStopsTheStart() {
    let faults = fixture.faults(["SALLYPORT_FIPS": "required"])
    #expect(faults.count == 1 && faults[0].hasPrefix("SALLYPORT_FIPS: FIPS mode is required"), "\(faults)")
    #expect(faults[0].contains("openssl fipsinstall"))
  }

  @Test func secretFilesAreKeptOutOfFaults() {
    let faults = fixture.faults([
      "TEMPORAL_TLS_KEY": fixture.path("passphrase"), "TEMPORAL_TLS_CERT": fixture.path("tls.crt"),
    ])
    #expect(faults.count == 1 && faults[0].contains("holds no PRIVATE KEY-----") && !faults[0].contains("canary"))
  }

  @Test("S19 a set of files that can never work stops the start; one that is out of its time is only warned of")
  func filesAreBuiltOnceBeforeTheStart() throws {
    let pki = try TestPKI.shared()
    func scheduler(_ certificate: String, _ key: String) throws -> SchedulerConfiguration {
      try fixture.configuration([
        "TEMPORAL_TLS_CA": pki.root, "TEMPORAL_TLS_CERT": pki.file(certificate), "TEMPORAL_TLS_KEY": pki.file(key),
      ]).scheduler
    }
    #expect(throws: TLSError.self) { try scheduler("client.crt", "foreignclient.key").inspectTLSFiles() }
    let late = try scheduler("lateclient.crt", "lateclient.key").inspectTLSFiles()
    #expect(late.count == 1 && late[0].hasSuffix("[tls.client_expired]"))
    #expect(try fixture.configuration().scheduler.inspectTLSFiles().isEmpty)
  }
}
