internal import COpenSSL
internal import Glibc
internal import Secrets

/// Everything that sessions to one server share: policy, trust, identity. Built whole or not at all.
///
/// Owns the `SSL_CTX`. A context is never changed after `make` has returned: new files mean a new context, so that no
/// session can go out with half an identity.
///
/// `@unchecked Sendable`: all properties are constants, and OpenSSL lets any number of threads use a context that
/// nobody changes (its reference counts are atomic). It is built on a helper thread, where decrypting a key may take a
/// while, and used on the event loop's.
@safe package final class TLSContext: @unchecked Sendable {
  /// The object, for sessions.
  let handle: OpaquePointer
  /// The configuration it was built from.
  package let configuration: TLSConfiguration
  /// The fingerprint of the files it was built from.
  package let fingerprint: [UInt8]
  /// From when to when the client's certificate, its issuers and the private authorities are valid.
  package let expiries: [CertificateExpiry]
  /// What an operator should know though the context can be used; for the log, once for each generation.
  package let warnings: [String]
  /// How many authorities are trusted and where they come from, for the log.
  package let trustSource: String

  private static let longestChain: Int32 = 4

  private init(
    adopting handle: OpaquePointer, _ material: TLSMaterial, _ trust: TrustStore, _ credentials: ClientCredentials?
  ) {
    unsafe self.handle = handle
    configuration = material.configuration
    fingerprint = material.fingerprint
    expiries =
      [credentials?.leaf.expiry(.client)].compactMap { $0 }
      + (credentials?.intermediates ?? []).map { $0.expiry(.issuer) } + trust.authorities.map { $0.expiry(.authority) }
    warnings = material.notes.map(\.description) + (credentials?.warnings ?? []) + trust.warnings
    trustSource = trust.source
  }

  deinit { unsafe SSL_CTX_free(handle) }

  /// Reads the files of a configuration and builds the context. Blocks, and may compute for a while: only on a thread
  /// of its own.
  ///
  /// - Throws: as `make` does.
  package static func load(_ configuration: TLSConfiguration) throws(TLSError) -> TLSContext {
    try make(from: TLSMaterial.read(configuration))
  }

  /// Builds a context from files that were read. Computes for a while when a key is encrypted.
  ///
  /// - Parameters:
  ///   - material: the files' contents.
  ///   - now: the wall clock in seconds since 1970, by which the client's certificate is judged.
  /// - Throws: a `TLSError` whose `isLocal` is true: the fault lies in the files, and its text says in which.
  package static func make(
    from material: TLSMaterial, now: Int64 = Int64(time(nil))
  ) throws(TLSError) -> TLSContext {
    guard sly_prepare() == 1 else { throw TLSError(.exhausted, "OpenSSL cannot be initialised") }
    if material.configuration.requiresFIPS { try FIPSMode.require() }
    guard let handle = unsafe SSL_CTX_new(TLS_client_method()) else {
      throw TLSError(.exhausted, "no memory for a TLS context")
    }
    do throws(TLSError) {
      unsafe try applyPolicy(to: handle, isFIPS: material.configuration.requiresFIPS)
      unsafe try prepareForSessions(handle, offersHTTP2: material.configuration.demandsHTTP2)
      let trust = unsafe try TrustStore.install(material, in: handle, now: now)
      let credentials = try ClientCredentials.read(material, now: now)
      if let credentials, let identity = material.configuration.clientIdentity {
        unsafe try credentials.install(in: handle, file: identity.certificateFile)
      }
      return unsafe TLSContext(adopting: handle, material, trust, credentials)
    } catch {
      unsafe SSL_CTX_free(handle)
      throw error
    }
  }

  /// Versions, ciphers, groups and signatures: `SECURITY.md` lists them. FIPS mode leaves out what the standard does.
  static func applyPolicy(to handle: OpaquePointer, isFIPS: Bool) throws(TLSError) {
    let suites13 =
      "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256" + (isFIPS ? "" : ":TLS_CHACHA20_POLY1305_SHA256")
    let suites12 = "ECDHE+AESGCM" + (isFIPS ? "" : ":ECDHE+CHACHA20")
    let groups = (isFIPS ? "" : "X25519:") + "P-256:P-384"
    let signatures =
      "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:" + (isFIPS ? "" : "ed25519:")
      + "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
    OpenSSLErrors.clear()
    let isApplied =
      unsafe sly_ctx_set_versions(handle) == 1
      && SSL_CTX_set_ciphersuites(handle, suites13) == 1
      && SSL_CTX_set_cipher_list(handle, suites12) == 1
      && sly_ctx_set_groups(handle, groups) == 1
      && sly_ctx_set_sigalgs(handle, signatures) == 1
    guard isApplied else {
      OpenSSLErrors.clear()
      throw TLSError(.exhausted, "OpenSSL lacks a cipher, group or signature that the policy names")
    }
    unsafe sly_ctx_harden(handle)
    unsafe sly_ctx_forget_sessions(handle)
    unsafe SSL_CTX_set_security_level(handle, 2)
    unsafe SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
  }

  /// What sessions of this target need beside the policy: HTTP/2 and nothing else, and our own verification.
  private static func prepareForSessions(_ handle: OpaquePointer, offersHTTP2: Bool) throws(TLSError) {
    unsafe sly_ctx_set_modes(handle)
    unsafe SSL_CTX_set_cert_verify_callback(handle, ServerVerification.verifyForSession, nil)
    unsafe X509_VERIFY_PARAM_set_depth(SSL_CTX_get0_param(handle), longestChain)
    guard offersHTTP2 else { return }
    let offer: [UInt8] = [2, UInt8(ascii: "h"), UInt8(ascii: "2")]
    guard unsafe SSL_CTX_set_alpn_protos(handle, offer, UInt32(offer.count)) == 0 else {
      throw TLSError(.exhausted, "no memory for a TLS context")
    }
  }
}
