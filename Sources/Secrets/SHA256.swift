internal import COpenSSL

/// SHA-256 (FIPS 180-4) over bytes that arrive in pieces, by OpenSSL. Used on one thread.
@safe package final class SHA256 {
  private let context: OpaquePointer

  /// Nil when the library has no memory or lacks the algorithm.
  package init?() {
    guard sly_prepare() == 1, let context = unsafe EVP_MD_CTX_new() else { return nil }
    guard unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      unsafe EVP_MD_CTX_free(context)
      return nil
    }
    unsafe self.context = context
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Takes in more bytes.
  package func update(_ bytes: UnsafeRawBufferPointer) {
    unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// Takes in more bytes.
  package func update(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe update($0) } }

  /// Takes in a number, so that two neighbouring pieces cannot be cut elsewhere with the same result.
  package func update(count: Int) { unsafe withUnsafeBytes(of: UInt64(count).bigEndian) { unsafe update($0) } }

  /// The 32 bytes. Nothing may be added afterwards.
  package func finish() -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: 32) { area, count in
      var length: UInt32 = 0
      count = unsafe EVP_DigestFinal_ex(context, area.baseAddress, &length) == 1 ? Int(length) : 0
    }
  }

  /// The digest of a text's UTF-8 as 64 lower-case hexadecimal digits.
  ///
  /// Ends the process when the library has no memory: a name or key must never be made of no digest.
  package static func hex(_ text: String) -> String {
    let span = text.utf8.span
    return unsafe span.withUnsafeBytes { unsafe hex($0) }
  }

  /// The digest of some bytes in the same form.
  package static func hex(_ bytes: [UInt8]) -> String { unsafe bytes.withUnsafeBytes { unsafe hex($0) } }

  private static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
    // Without memory there is no going on, and an empty digest would make different texts one.
    guard let digest = SHA256() else { fatalError("OpenSSL cannot compute SHA-256") }
    unsafe digest.update(bytes)
    let bytes = digest.finish()
    precondition(bytes.count == 32, "OpenSSL cannot compute SHA-256")
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(64)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The digest of some bytes; empty when the library fails.
  package static func digest(of bytes: [UInt8]) -> [UInt8] {
    guard let digest = SHA256() else { return [] }
    digest.update(bytes)
    return digest.finish()
  }
}
