internal import COpenSSL

/// SHA-256 (FIPS 180-4) over bytes that arrive in pieces. Used on one thread.
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

  /// The digest of some bytes; empty when the library fails.
  package static func digest(of bytes: [UInt8]) -> [UInt8] {
    guard let digest = SHA256() else { return [] }
    digest.update(bytes)
    return digest.finish()
  }
}
