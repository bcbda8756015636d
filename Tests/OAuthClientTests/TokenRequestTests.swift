import Foundation
import Secrets
import Testing

@testable import OAuthClient

@Suite("Token requests")
struct TokenRequestTests {
  private func text(_ secret: SharedSecret) -> String { secret.withBytes { String(decoding: $0, as: UTF8.self) } }

  @Test func theFormIsEncoded() {
    let form = TokenRequestBody.form([
      ("grant_type", .text("client_credentials")), ("scope", .text("a b/ü")),
      ("client_secret", .secret(SharedSecret(copying: "p&q=%+~_-.".utf8))), ("audience", .text("")),
    ])
    #expect(
      text(form)
        == "grant_type=client_credentials&scope=a%20b%2F%C3%BC&client_secret=p%26q%3D%25%2B~_-.&audience=")
  }

  @Test(arguments: ["", "a", "ab", "abc", "abcd", "abcde", "\u{0}\u{7f}ÿÿ\u{10ffff}"])
  func base64EqualsFoundations(input: String) {
    let ours = String(decoding: Array(Base64Sequence(Array(input.utf8))), as: UTF8.self)
    #expect(ours == Data(input.utf8).base64EncodedString())
  }

  @Test func base64OfEveryLengthEqualsFoundations() {
    for length in 0..<200 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
      #expect(String(decoding: Array(Base64Sequence(bytes)), as: UTF8.self) == Data(bytes).base64EncodedString())
    }
  }

  @Test func basicJoinsTheEncodedHalves() {
    // A colon in the identifier must not move the border (RFC 6749 §2.3.1).
    let value = TokenRequestBody.basic(identifier: "id:1", secret: SharedSecret(copying: "s%c".utf8))
    #expect(text(value) == "Basic " + Data("id%3A1:s%25c".utf8).base64EncodedString())
  }

  @Test(arguments: [
    ("https://login.example/oauth/token", "login.example", 443, true),
    ("https://login.example:8443/t?x=1", "login.example", 8_443, true),
    ("https://[2001:db8::1]/t", "2001:db8::1", 443, true), ("http://localhost:80/t", "localhost", 80, false),
    ("http://127.0.0.1:9/t", "127.0.0.1", 9, false), ("http://[::1]:9/t", "::1", 9, false),
  ])
  func addressesAreRead(text: String, host: String, port: Int, isSecure: Bool) throws {
    let url = try TokenURL(text)
    #expect(url.host == host && url.port == port && url.isSecure == isSecure)
    #expect(!url.description.contains("x=1"))
  }

  @Test(arguments: [
    "", "login.example/token", "http://login.example/token", "ftp://x/y", "file:///etc/passwd", "https://",
    "https:///x",
    "https://user:canary@host/x", "https://user@host/x", "https://host/x#f", "https://host:0/", "https://host:99999/",
    "https://ho st/", "https://host/\r\nx: y", "https://höst/", "http://127.evil.example/", "http://127.0.0.1.evil/",
    "https://host/" + String(repeating: "x", count: 2_048),
  ])
  func malformedAddressesAreRefusedAndNoPasswordIsEchoed(text: String) {
    let fault = #expect(throws: TokenURL.Fault.self) { try TokenURL(text) }
    #expect(fault?.reason.contains("canary") == false)
  }
}
