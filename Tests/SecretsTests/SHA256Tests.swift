import Testing

@testable import Secrets

@Suite struct SHA256Tests {
  /// FIPS 180-4 examples.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func sha256OfThePublishedTexts(text: String, digest: String) {
    #expect(SHA256.hex(text) == digest)
  }

  @Test func sha256OfAMillionLetters() {
    #expect(
      SHA256.hex([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func piecesGiveTheDigestOfTheWhole() throws {
    let digest = try #require(SHA256())
    digest.update(Array("ab".utf8))
    digest.update([])
    digest.update(Array("c".utf8))
    #expect(digest.finish() == SHA256.digest(of: Array("abc".utf8)))
  }
}
