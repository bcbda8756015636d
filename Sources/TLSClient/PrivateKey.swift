internal import COpenSSL
internal import Secrets

/// A private key. Owns the OpenSSL object, which wipes itself when freed.
@safe final class PrivateKey {
  /// The object, for calls that borrow it.
  let handle: OpaquePointer

  private init(adopting handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe EVP_PKEY_free(handle) }

  /// What the passphrase callback needs and notes; lives for one call of the reader.
  private final class Prompt {
    let passphrase: SharedSecret?
    var wasAsked = false
    var isTooLong = false

    init(_ passphrase: SharedSecret?) { self.passphrase = passphrase }

    func answer(into area: UnsafeMutableRawBufferPointer) -> Int32 {
      wasAsked = true
      guard let passphrase else { return -1 }
      guard passphrase.count <= area.count else {
        isTooLong = true
        return -1
      }
      unsafe passphrase.withBytes { unsafe area.copyMemory(from: $0) }
      return Int32(passphrase.count)
    }
  }

  /// Reads the first private key of a PEM text.
  ///
  /// - Throws: `TLSError.passphraseWrong` or `.fileUnusable`, naming the file and the fix.
  static func read(_ pem: SharedSecret, file: String, passphrase: SharedSecret?) throws(TLSError) -> PrivateKey {
    let prompt = Prompt(passphrase)
    OpenSSLErrors.clear()
    let handle = unsafe pem.withBytes { bytes -> OpaquePointer? in
      guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
      defer { unsafe BIO_free_all(bio) }
      // A callback always stands here, or the library would ask on the terminal.
      return unsafe PEM_read_bio_PrivateKey(
        bio, nil,
        { area, size, _, user in
          guard let area = unsafe area, let user = unsafe user else { return -1 }
          let prompt = unsafe Unmanaged<Prompt>.fromOpaque(user).takeUnretainedValue()
          return unsafe prompt.answer(into: UnsafeMutableRawBufferPointer(start: area, count: Int(max(0, size))))
        }, Unmanaged.passUnretained(prompt).toOpaque())
    }
    OpenSSLErrors.clear()
    if let handle = unsafe handle { return unsafe PrivateKey(adopting: handle) }
    let holdsHeader = unsafe pem.withBytes { bytes in
      unsafe bytes.contains(sequence: "PRIVATE KEY-----")
    }
    throw failure(file: file, prompt: prompt, holdsHeader: holdsHeader)
  }

  private static func failure(file: String, prompt: Prompt, holdsHeader: Bool) -> TLSError {
    if prompt.isTooLong { return TLSError(.passphraseWrong, "the passphrase of '\(file)' is longer than 1023 bytes") }
    if prompt.wasAsked && prompt.passphrase == nil {
      return TLSError(
        .passphraseWrong,
        "the private key '\(file)' is encrypted: give its passphrase in a file, or mount it unencrypted")
    }
    if prompt.wasAsked {
      return TLSError(.passphraseWrong, "the passphrase does not open the private key '\(file)': correct its file")
    }
    let reason =
      holdsHeader ? "damaged, or encrypted in a way that OpenSSL no longer reads" : "no PEM private key in it"
    return TLSError(
      .fileUnusable, "'\(file)' is not a usable private key (\(reason)): it must be PEM (PKCS#8, SEC 1 or PKCS#1)")
  }
}

extension UnsafeRawBufferPointer {
  /// Whether an ASCII text stands anywhere in the bytes; no copy of them is made.
  fileprivate func contains(sequence text: String) -> Bool {
    let wanted = Array(text.utf8)
    guard count >= wanted.count else { return false }
    return (0...(count - wanted.count)).contains { start in
      wanted.indices.allSatisfy { unsafe self[start + $0] == wanted[$0] }
    }
  }
}
