internal import COpenSSL
internal import Glibc
internal import Secrets

/// OpenSSL's FIPS mode: only algorithms of the validated provider, for everything in this process, libpq and libcurl
/// too.
package enum FIPSMode {
  /// Turns FIPS mode on, once for the process; later calls answer as the first did. Call it before any TLS.
  ///
  /// Only here is OpenSSL's configuration file read: the provider's self-test record stands in it.
  ///
  /// - Throws: `TLSError.fipsUnavailable` saying what is missing; the process must then not go on.
  package static func require() throws(TLSError) { try outcome.get() }

  private static let outcome = Result { () throws(TLSError) in try load() }

  private static func load() throws(TLSError) {
    _ = sly_prepare()
    OpenSSLErrors.clear()
    _ = unsafe OSSL_LIB_CTX_load_config(nil, configurationFile)
    OpenSSLErrors.clear()
    guard unsafe OSSL_PROVIDER_try_load(nil, "fips", 1) != nil, unsafe OSSL_PROVIDER_try_load(nil, "base", 1) != nil
    else {
      let reason = OpenSSLErrors.take().first?.text ?? "not found"
      throw TLSError(
        .fipsUnavailable,
        "FIPS mode is required, but this OpenSSL cannot load a FIPS provider (fips.so: \(reason)): install the"
          + " validated module and run `openssl fipsinstall`, or do not require FIPS; Debian's packages have none")
    }
    guard EVP_default_properties_enable_fips(nil, 1) == 1, EVP_default_properties_is_fips_enabled(nil) == 1,
      digestComesFromProvider
    else {
      throw TLSError(
        .fipsUnavailable,
        "FIPS mode is required, but the FIPS provider fails its check: run `openssl fipsinstall` again")
    }
  }

  private static var configurationFile: String {
    if let named = unsafe getenv("OPENSSL_CONF") { return unsafe String(cString: named) }
    let area = unsafe X509_get_default_cert_area().map { unsafe String(cString: $0) } ?? ""
    return area + "/openssl.cnf"
  }

  /// Whether SHA-256 is computed by the provider, and rightly (FIPS 180-4's example "abc").
  private static var digestComesFromProvider: Bool {
    guard let digest = unsafe EVP_MD_fetch(nil, "SHA256", "fips=yes") else { return false }
    defer { unsafe EVP_MD_free(digest) }
    let provider = unsafe EVP_MD_get0_provider(digest).flatMap { unsafe OSSL_PROVIDER_get0_name($0) }
    let expected: [UInt8] = [
      0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61,
      0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    ]
    return unsafe provider.map { unsafe String(cString: $0) } == "fips"
      && SHA256.digest(of: Array("abc".utf8)) == expected
  }
}
