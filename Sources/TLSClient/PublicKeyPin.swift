internal import COpenSSL
internal import Secrets

/// The SHA-256 of a public key as a certificate carries it (SubjectPublicKeyInfo; the form of RFC 7469 §2.4): it stays
/// the same when a certificate is renewed with its key.
package struct PublicKeyPin: Sendable, Hashable, CustomStringConvertible {
  /// The 32 bytes.
  package let digest: [UInt8]

  init(digest: [UInt8]) { self.digest = digest }

  /// Reads `sha256/BASE64` or the 44 characters of base64 alone; nil: it is neither.
  package init?(_ text: String) {
    var encoded = text[...]
    if encoded.hasPrefix("sha256/") { encoded = encoded.dropFirst("sha256/".count) }
    let characters = Array(encoded.utf8)
    guard characters.count == 44, characters[43] == UInt8(ascii: "="), characters[42] != UInt8(ascii: "=") else {
      return nil
    }
    var bytes = [UInt8](repeating: 0, count: 33)
    guard unsafe EVP_DecodeBlock(&bytes, characters, 44) == 33 else { return nil }
    self.init(digest: Array(bytes.prefix(32)))
    guard base64.utf8.elementsEqual(characters) else { return nil }
  }

  private var base64: String {
    var characters = [UInt8](repeating: 0, count: 45)
    let count = unsafe EVP_EncodeBlock(&characters, digest, Int32(clamping: digest.count))
    return String(decoding: characters.prefix(Int(max(0, count))), as: UTF8.self)
  }

  package var description: String { "sha256/\(base64)" }
}
