internal import COpenSSL
internal import Secrets

/// The client's certificate, the intermediates sent with it and its private key, checked as a whole.
struct ClientCredentials {
  /// The client's own certificate.
  let leaf: Certificate
  /// The authorities between it and the root, nearest first.
  let intermediates: [Certificate]
  /// The key of `leaf`.
  let key: PrivateKey
  /// What an operator should know though the credentials can be used.
  let warnings: [String]

  /// By how many seconds clocks may differ before a certificate counts as not yet valid.
  private static let clockSkew: Int64 = 60

  /// Reads and checks what the files held; nil when no identity is configured.
  ///
  /// - Parameter now: seconds since 1970.
  static func read(_ material: TLSMaterial, now: Int64) throws(TLSError) -> ClientCredentials? {
    guard let identity = material.configuration.clientIdentity, let secret = material.key else { return nil }
    let file = identity.certificateFile
    var chain: [Certificate]
    let key: PrivateKey
    switch identity.format {
    case .pem:
      chain =
        if let pem = material.certificates {
          try Certificate.readAll(pem, file: file)
        } else {
          try Certificate.readAll(beside: secret, file: file)
        }
      key = try PrivateKey.read(secret, file: identity.keyFile, passphrase: material.passphrase)
    case .pkcs12:
      let archive = try PKCS12Archive.read(secret, file: file, passphrase: material.passphrase)
      chain = [archive.leaf] + archive.others
      key = archive.key
    }
    guard let leaf = chain.first else { throw TLSError(.fileUnusable, "'\(file)' holds no certificate") }
    try checkPair(chain, key, identity)
    try check(leaf, file: file, now: now)
    var warnings: [String] = []
    let roots = chain.dropFirst().filter(\.isSelfIssued)
    if let root = roots.first {
      warnings.append(
        "'\(file)' includes the root authority (\(root.subject)), which no server needs: mount leaf and intermediates")
    }
    let intermediates = ordered(chain.dropFirst().filter { !$0.isSelfIssued }, below: leaf)
    return ClientCredentials(leaf: leaf, intermediates: intermediates, key: key, warnings: warnings)
  }

  /// Puts everything into a context and makes sure that it arrived: a context that failed half way would go on without
  /// a certificate.
  func install(in context: OpaquePointer, file: String) throws(TLSError) {
    OpenSSLErrors.clear()
    guard unsafe SSL_CTX_use_certificate(context, leaf.handle) == 1,
      unsafe SSL_CTX_use_PrivateKey(context, key.handle) == 1
    else {
      let reason = OpenSSLErrors.take().first?.text ?? "refused"
      throw TLSError(
        .clientCertificateUnsuited,
        "the certificate '\(file)' cannot be used (\(reason)): issue one with a stronger key and signature")
    }
    for certificate in intermediates {
      unsafe X509_up_ref(certificate.handle)
      guard unsafe sly_ctx_add_chain(context, certificate.handle) == 1 else {
        unsafe X509_free(certificate.handle)
        OpenSSLErrors.clear()
        throw TLSError(
          .clientCertificateUnsuited, "the intermediate '\(certificate.subject)' in '\(file)' cannot be used")
      }
    }
    guard unsafe SSL_CTX_get0_certificate(context) != nil, unsafe SSL_CTX_get0_privatekey(context) != nil else {
      throw TLSError(.fileUnusable, "the certificate '\(file)' was not taken over")
    }
  }

  private static func checkPair(
    _ chain: [Certificate], _ key: PrivateKey, _ identity: TLSConfiguration.ClientIdentity
  ) throws(TLSError) {
    func fits(_ certificate: Certificate) -> Bool {
      defer { OpenSSLErrors.clear() }
      return unsafe X509_check_private_key(certificate.handle, key.handle) == 1
    }
    guard let leaf = chain.first, !fits(leaf) else { return }
    let file = identity.certificateFile
    if chain.dropFirst().contains(where: fits) {
      throw TLSError(
        .keyMismatch,
        "the certificate of the private key '\(identity.keyFile)' is not the first in '\(file)': put the client's own"
          + " certificate before its authorities")
    }
    throw TLSError(
      .keyMismatch,
      "the private key '\(identity.keyFile)' does not belong to the certificate '\(file)' (\(leaf.subject)):"
        + " mount the pair that was issued together, the client's own certificate first in its file")
  }

  private static func check(_ leaf: Certificate, file: String, now: Int64) throws(TLSError) {
    let who = "the client certificate '\(file)' (\(leaf.subject))"
    if leaf.validity.to < now {
      throw TLSError(
        .clientCertificateExpired,
        "\(who) expired on \(leaf.notAfter): renew it and mount the new pair (or check this machine's clock)")
    }
    if leaf.validity.from > now + clockSkew {
      throw TLSError(
        .clientCertificateNotYetValid, "\(who) is valid from \(leaf.notBefore) only: check this machine's clock")
    }
    if leaf.isAuthority {
      throw TLSError(
        .clientCertificateUnsuited,
        "\(who) is an authority's (CA:TRUE), not a client's: put the client's own certificate first")
    }
    if !leaf.admitsClientUse {
      throw TLSError(
        .clientCertificateUnsuited,
        "\(who) may not identify a client: issue one for client authentication (extendedKeyUsage clientAuth)")
    }
  }

  /// The intermediates from the leaf upwards, as TLS 1.2 demands them; what does not belong to the chain goes last.
  private static func ordered(_ certificates: [Certificate], below leaf: Certificate) -> [Certificate] {
    var rest = certificates
    var chain: [Certificate] = []
    var last = leaf
    while let index = rest.firstIndex(where: { last.isIssued(by: $0) }) {
      last = rest.remove(at: index)
      chain.append(last)
    }
    return chain + rest
  }
}
