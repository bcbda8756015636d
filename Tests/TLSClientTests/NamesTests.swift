import Foundation
import TestSupport
import Testing

@testable import TLSClient

/// Names, pins and identities as texts, and the mode that this machine cannot offer.
@Suite("Names and demands")
struct NamesTests {
  @Test(
    "International names become ASCII as Python's IDNA has them, or are left alone",
    arguments: [
      "bücher.example", "münchen.de", "例え.テスト", "παράδειγμα.example", "пример.рф", "한국.kr", "a-ü-9.example",
    ])
  func internationalNames(name: String) throws {
    let expected = try PythonPeer.run(
      "import sys; print(sys.stdin.read().encode('idna').decode(), end='')", input: name)
    #expect(InternationalName.ascii(name) == expected)
    #expect(ServerName.normalized(name.uppercased() + ".") == expected)
  }

  @Test(
    "Names whose rules are not simple are left to the user",
    arguments: [
      "straße.example", "ος.example", "x\u{301}.example", "a\u{200D}b.example", "☃.example", "ﬁ.example", "ａ.example",
    ])
  func difficultNames(name: String) throws {
    #expect(InternationalName.ascii(name) == nil)
    let pki = try TestPKI.shared()
    let context = try TLSProbe.context(TLSProbe.configuration(pki))
    #expect {
      try TLSSession(context: context, host: name)
    } throws: { error in
      (error as? TLSError)?.code == .nameUnusable && "\(error)".contains("xn--")
    }
  }

  @Test("Texts that are no names are refused", arguments: ["", ".", "a..b", "a b", "a/b", "a\u{0}b", "a@b", "*.a:1"])
  func brokenNames(name: String) throws {
    let context = try TLSProbe.context(TLSProbe.configuration(TestPKI.shared()))
    #expect { try TLSSession(context: context, host: name) } throws: { ($0 as? TLSError)?.code == .nameUnusable }
  }

  @Test("Pins are 32 bytes of base64, with or without their prefix")
  func pins() {
    let text = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    #expect(PublicKeyPin(text)?.description == text)
    #expect(PublicKeyPin(String(text.dropFirst(7))) == PublicKeyPin(text))
    for wrong in [
      "", "sha256/", "sha1/" + text.dropFirst(7), String(text.dropLast()), text + "=",
      text.replacingOccurrences(of: "/T", with: "!T"),
      "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==",
    ] { #expect(PublicKeyPin(wrong) == nil, "\(wrong)") }
  }

  @Test("SPIFFE identities keep to their standard")
  func identities() {
    for right in ["spiffe://prod.example", "spiffe://prod.example/a/B-1_2.3", "spiffe://10.0.0.1/x"] {
      #expect(SPIFFEID(right)?.text == right)
    }
    for wrong in [
      "", "spiffe://", "spiffe:///a", "SPIFFE://a/b", "spiffe://A/b", "spiffe://a/", "spiffe://a//b", "spiffe://a/..",
      "spiffe://a/b?c", "spiffe://a:1/b", "spiffe://u@a/b", "https://a/b", "spiffe://a/%41",
      "spiffe://a/" + String(repeating: "x", count: 2048),
    ] { #expect(SPIFFEID(wrong) == nil, "\(wrong)") }
  }

  @Test("S27 FIPS mode without its provider refuses: no context is built")
  func missingFIPSProviderIsRefused() throws {
    // Debian 12 ships no FIPS provider; a machine that has one would have to pass the provider's own checks instead.
    var configuration = TLSProbe.configuration(try TestPKI.shared())
    configuration.requiresFIPS = true
    #expect {
      try TLSProbe.context(configuration)
    } throws: { error in
      (error as? TLSError)?.code == .fipsUnavailable && "\(error)".contains("cannot load a FIPS provider")
        && (error as? TLSError)?.isLocal == true
    }
    // The refusal leaves the ordinary mode as it was.
    configuration.requiresFIPS = false
    _ = try TLSProbe.context(configuration)
  }

  @Test("Codes are stable, distinct and of one form")
  func codes() {
    let names = TLSError.Code.allCases.map(\.rawValue)
    #expect(Set(names).count == names.count)
    for name in names {
      #expect(name.hasPrefix("tls.") && name.dropFirst(4).allSatisfy { $0 == "_" || $0.isLowercase || $0.isNumber })
    }
    for code in [
      "expired", "not_yet_valid", "unknown_ca", "name_mismatch", "revoked", "key_mismatch", "no_http2", "not_tls",
    ] {
      #expect(names.contains("tls." + code))
    }
  }
}
