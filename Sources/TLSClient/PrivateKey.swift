internal import COpenSSL
internal import Secrets

/// A private key. Owns the OpenSSL object, which wipes itself when freed.
@safe final class PrivateKey {
  /// The object, for calls that borrow it.
  let handle: OpaquePointer

  /// The longest passphrase, in bytes: the library's buffer for it would cut a longer one.
  static let longestPassphrase = 1023

  /// Takes over a reference.
  init(adopting handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe EVP_PKEY_free(handle) }

  /// What the passphrase callback needs and notes; lives for one call of the reader.
  private final class Prompt {
    let passphrase: SharedSecret?
    var wasAsked = false

    init(_ passphrase: SharedSecret?) { self.passphrase = passphrase }

    func answer(into area: UnsafeMutableRawBufferPointer) -> Int32 {
      wasAsked = true
      guard let passphrase, passphrase.count <= area.count else { return -1 }
      unsafe passphrase.withBytes { unsafe area.copyMemory(from: $0) }
      return Int32(passphrase.count)
    }
  }

  /// Reads the first private key of a PEM text.
  ///
  /// - Throws: `TLSError` `.passphraseMissing`, `.passphraseWrong` or `.fileUnusable`, naming the file and the fix.
  static func read(_ pem: SharedSecret, file: String, passphrase: SharedSecret?) throws(TLSError) -> PrivateKey {
    try check(passphrase, of: file)
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
    let errors = OpenSSLErrors.take()
    if let handle = unsafe handle { return unsafe PrivateKey(adopting: handle) }
    let content = unsafe pem.withBytes { bytes in unsafe PEMContent(bytes) }
    throw failure(file: file, prompt: prompt, content: content, errors: errors)
  }

  /// Refuses a passphrase that the library would cut.
  static func check(_ passphrase: SharedSecret?, of file: String) throws(TLSError) {
    guard let passphrase, passphrase.count > longestPassphrase else { return }
    throw TLSError(
      .passphraseWrong,
      "the passphrase of '\(file)' is longer than \(longestPassphrase) bytes: check that its file holds nothing else")
  }

  private static func failure(
    file: String, prompt: Prompt, content: PEMContent, errors: [OpenSSLErrors.Entry]
  ) -> TLSError {
    if errors.contains(where: \.isUnsupportedAlgorithm) { return outdated(file) }
    if prompt.wasAsked && prompt.passphrase == nil {
      return TLSError(
        .passphraseMissing,
        "the private key '\(file)' is encrypted: give its passphrase in a file, or mount it unencrypted")
    }
    if prompt.wasAsked {
      return TLSError(.passphraseWrong, "the passphrase does not open the private key '\(file)': correct its file")
    }
    if content.holdsPrivateKey && content.labels.first != "OPENSSH PRIVATE KEY" {
      return TLSError(.fileUnusable, "the private key in '\(file)' is damaged: mount the whole PEM file")
    }
    let swapped = content.holdsCertificate ? "; are the files of certificate and key exchanged?" : content.advice
    return TLSError(
      .fileUnusable,
      "'\(file)' holds no PEM private key but \(content): it must be PKCS#8, SEC 1 or PKCS#1\(swapped)")
  }

  /// The error for a file whose encryption the library has dropped (RC2, RC4, single DES).
  static func outdated(_ file: String) -> TLSError {
    TLSError(
      .fileUnusable,
      "'\(file)' is encrypted in an outdated way that OpenSSL no longer reads: re-encrypt it with AES"
        + " (`openssl pkcs8 -topk8 -v2 aes-256-cbc`, or `openssl pkcs12 -export`)")
  }
}
