internal import CLinux
internal import COpenSSL
internal import Glibc
internal import Secrets

/// Everything that sessions to one server share: policy, trust, identity. Built whole or not at all.
///
/// Owns the `SSL_CTX`; used on one thread. A context is never changed afterwards: new files mean a new context, so that
/// no session can go out with half an identity.
@safe package final class TLSContext {
  /// The object, for sessions.
  let handle: OpaquePointer
  /// The configuration it was built from.
  package let configuration: TLSConfiguration

  private static let suites13 = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
  private static let suites12 = "ECDHE+AESGCM:ECDHE+CHACHA20"
  private static let groups = "X25519:P-256:P-384"
  private static let longestChain: Int32 = 4

  private init(adopting handle: OpaquePointer, _ configuration: TLSConfiguration) {
    unsafe self.handle = handle
    self.configuration = configuration
  }

  deinit { unsafe SSL_CTX_free(handle) }

  /// Builds a context from files that were read.
  ///
  /// - Throws: a `TLSError` whose `isLocal` is true: the fault lies in the files, and its text says in which.
  package static func make(from material: TLSMaterial) throws(TLSError) -> TLSContext {
    // Without the configuration file: an environment variable must not be able to load code into this process.
    OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil)
    guard let handle = unsafe SSL_CTX_new(TLS_client_method()) else {
      throw TLSError(.exhausted, "no memory for a TLS context")
    }
    let context = unsafe TLSContext(adopting: handle, material.configuration)
    try context.applyPolicy()
    try context.trust(material)
    try context.identify(material)
    return context
  }

  private func applyPolicy() throws(TLSError) {
    let isApplied =
      unsafe sly_ctx_set_versions(handle) == 1
      && SSL_CTX_set_ciphersuites(handle, Self.suites13) == 1
      && SSL_CTX_set_cipher_list(handle, Self.suites12) == 1
      && sly_ctx_set_groups(handle, Self.groups) == 1
    guard isApplied else { throw TLSError(.exhausted, "OpenSSL lacks a cipher or group that the policy names") }
    unsafe sly_ctx_harden(handle)
    unsafe sly_ctx_set_modes(handle)
    unsafe sly_ctx_forget_sessions(handle)
    unsafe SSL_CTX_set_security_level(handle, 2)
    unsafe SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, TLSSession.noteVerification)
    unsafe X509_VERIFY_PARAM_set_depth(SSL_CTX_get0_param(handle), Self.longestChain)
    let offer: [UInt8] = [2, UInt8(ascii: "h"), UInt8(ascii: "2")]
    guard unsafe SSL_CTX_set_alpn_protos(handle, offer, UInt32(offer.count)) == 0 else {
      throw TLSError(.exhausted, "no memory for a TLS context")
    }
  }

  private func trust(_ material: TLSMaterial) throws(TLSError) {
    guard case .file(let file) = material.configuration.trust, let pem = material.authorities else {
      guard unsafe SSL_CTX_set_default_verify_paths(handle) == 1, hasSystemRoots else {
        throw TLSError(
          .noTrustAnchors,
          "this system has no certificate authorities: install ca-certificates, or name the server's authority's file")
      }
      return
    }
    let store = unsafe SSL_CTX_get_cert_store(handle)
    for authority in try Certificate.readAll(pem, file: file) {
      guard unsafe X509_STORE_add_cert(store, authority.handle) == 1 else {
        throw TLSError(.fileUnusable, "the authority '\(authority.subject)' in '\(file)' cannot be used")
      }
    }
  }

  /// Whether the default file or folder holds anything; OpenSSL itself reports success with both missing.
  private var hasSystemRoots: Bool {
    if unsafe sly_store_count(SSL_CTX_get_cert_store(handle)) > 0 { return true }
    let named = unsafe getenv(String(cString: X509_get_default_cert_dir_env())).map { unsafe String(cString: $0) }
    let path = unsafe named ?? String(cString: X509_get_default_cert_dir())
    guard let folder = unsafe opendir(path) else { return false }
    defer { unsafe closedir(folder) }
    var count = 0
    while unsafe readdir(folder) != nil { count += 1 }
    return count > 2
  }

  private func identify(_ material: TLSMaterial) throws(TLSError) {
    guard let identity = material.configuration.clientIdentity, let pem = material.certificates, let key = material.key
    else { return }
    let file = identity.certificateFile
    let chain = try Certificate.readAll(pem, file: file)
    guard let leaf = chain.first else { throw TLSError(.fileUnusable, "'\(file)' holds no certificate") }
    try Self.check(leaf, file: file)
    let privateKey = try PrivateKey.read(key, file: identity.keyFile, passphrase: material.passphrase)
    guard unsafe X509_check_private_key(leaf.handle, privateKey.handle) == 1 else {
      _ = OpenSSLErrors.take()
      throw TLSError(
        .keyMismatch,
        "the private key '\(identity.keyFile)' does not belong to the certificate '\(file)' (\(leaf.subject)):"
          + " mount the pair that was issued together, the client's own certificate first in its file")
    }
    guard unsafe SSL_CTX_use_certificate(handle, leaf.handle) == 1,
      unsafe SSL_CTX_use_PrivateKey(handle, privateKey.handle) == 1
    else {
      let reason = OpenSSLErrors.take().first?.text ?? "refused"
      throw TLSError(
        .fileUnusable, "the certificate '\(file)' cannot be used (\(reason)): issue one with a stronger key")
    }
    for certificate in chain.dropFirst() {
      unsafe X509_up_ref(certificate.handle)
      guard unsafe sly_ctx_add_chain(handle, certificate.handle) == 1 else {
        unsafe X509_free(certificate.handle)
        throw TLSError(.fileUnusable, "the intermediate '\(certificate.subject)' in '\(file)' cannot be used")
      }
    }
    guard unsafe SSL_CTX_get0_certificate(handle) != nil, unsafe SSL_CTX_get0_privatekey(handle) != nil else {
      throw TLSError(.fileUnusable, "the certificate '\(file)' was not taken over")
    }
  }

  private static func check(_ leaf: Certificate, file: String) throws(TLSError) {
    if leaf.hasExpired {
      throw TLSError(
        .clientCertificateNotValid,
        "the client certificate '\(file)' (\(leaf.subject)) expired on \(leaf.notAfter): renew it and mount the new pair"
      )
    }
    if leaf.isNotYetValid {
      throw TLSError(
        .clientCertificateNotValid,
        "the client certificate '\(file)' (\(leaf.subject)) is valid from \(leaf.notBefore) only: check this machine's clock"
      )
    }
    if !leaf.admitsClientUse {
      throw TLSError(
        .clientCertificateUnsuited,
        "the certificate '\(file)' (\(leaf.subject)) may not identify a client: issue one for client authentication")
    }
  }
}
