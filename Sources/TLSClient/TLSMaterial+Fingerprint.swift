internal import COpenSSL
internal import Secrets

extension TLSMaterial {
  /// SHA-256 over the names and contents of everything that was read. Equal fingerprints mean equal files.
  package var fingerprint: [UInt8] {
    guard let digest = unsafe EVP_MD_CTX_new() else { return [] }
    defer { unsafe EVP_MD_CTX_free(digest) }
    unsafe EVP_DigestInit_ex(digest, EVP_sha256(), nil)
    func add(_ bytes: UnsafeRawBufferPointer) {
      var count = UInt64(bytes.count)
      unsafe EVP_DigestUpdate(digest, &count, 8)
      unsafe EVP_DigestUpdate(digest, bytes.baseAddress, bytes.count)
    }
    var names: [String] = []
    if case .file(let path) = configuration.trust { names.append(path) }
    if let identity = configuration.clientIdentity {
      names += [identity.certificateFile, identity.keyFile, identity.passphraseFile ?? ""]
    }
    for name in names { unsafe Array(name.utf8).withUnsafeBytes { unsafe add($0) } }
    for content in [authorities ?? [], certificates ?? []] { unsafe content.withUnsafeBytes { unsafe add($0) } }
    for secret in [key, passphrase] {
      guard let secret else {
        unsafe add(UnsafeRawBufferPointer(start: nil, count: 0))
        continue
      }
      unsafe secret.withBytes { unsafe add($0) }
    }
    return unsafe [UInt8](unsafeUninitializedCapacity: 32) { area, count in
      var length: UInt32 = 0
      unsafe EVP_DigestFinal_ex(digest, area.baseAddress, &length)
      count = Int(min(length, 32))
    }
  }
}
