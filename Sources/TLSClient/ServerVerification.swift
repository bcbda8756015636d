internal import COpenSSL

/// One verification of a server's chain: what is demanded beyond OpenSSL's own rules, and what was found.
///
/// Lives as long as its session; OpenSSL's callbacks reach it by the verification's extra data, on the session's
/// thread.
@safe final class ServerVerification {
  /// What was wrong with a chain that OpenSSL itself accepts.
  enum IdentityFault {
    /// The leaf is not the workload expected.
    case spiffe
    /// No key of the chain is pinned.
    case pin
  }

  private let configuration: TLSConfiguration
  /// The certificate that was refused, why (`X509_V_ERR_…`), how far from the leaf, and how many the server sent.
  private(set) var rejected: (certificate: Certificate, reason: Int32, depth: Int32, sent: Int32)?
  /// Set when OpenSSL accepted the chain and this side's own demands were not met.
  private(set) var identityFault: IdentityFault?
  /// Where revocation could not be told and the soft policy let it pass.
  private(set) var undetermined: [String] = []

  /// The most notes of one verification.
  private static let mostNotes = 8

  init(_ configuration: TLSConfiguration) { self.configuration = configuration }

  /// Verifies the chain that a store context was made for. True: the server is who it should be.
  func verify(_ store: OpaquePointer) -> Bool {
    unsafe X509_STORE_CTX_set_ex_data(store, 0, Unmanaged.passUnretained(self).toOpaque())
    unsafe X509_STORE_CTX_set_verify_cb(store, Self.judge)
    defer { unsafe X509_STORE_CTX_set_ex_data(store, 0, nil) }
    guard unsafe X509_verify_cert(store) == 1 else { return false }
    let chain = unsafe Self.certificates(X509_STORE_CTX_get0_chain(store))
    if let expected = configuration.spiffeID {
      // The standard admits exactly one URI in the certificate of a workload (X.509-SVID §2).
      let found = chain.first?.uris ?? []
      if found != [expected.text] { return unsafe refuse(store, chain, .spiffe) }
    }
    if !configuration.pins.isEmpty, !chain.contains(where: { configuration.pins.contains($0.pin) }) {
      return unsafe refuse(store, chain, .pin)
    }
    return true
  }

  private func refuse(_ store: OpaquePointer, _ chain: [Certificate], _ fault: IdentityFault) -> Bool {
    identityFault = fault
    if let leaf = chain.first {
      rejected = (leaf, X509_V_ERR_APPLICATION_VERIFICATION, 0, Int32(clamping: chain.count))
    }
    unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
    return false
  }

  /// The certificates of a chain, shared.
  static func certificates(_ chain: OpaquePointer?) -> [Certificate] {
    (0..<max(0, unsafe sly_chain_count(chain))).compactMap { index in
      unsafe sly_chain_at(chain, index).map { unsafe Certificate(sharing: $0) }
    }
  }

  /// Called by OpenSSL for every fault of a chain: keeps the first for the error's text; under the soft policy lets
  /// pass what only says that revocation cannot be told.
  private func judge(_ store: OpaquePointer) -> Bool {
    let reason = unsafe X509_STORE_CTX_get_error(store)
    let certificate = unsafe X509_STORE_CTX_get_current_cert(store).map { unsafe Certificate(sharing: $0) }
    if Self.leavesRevocationOpen(reason), configuration.revocation?.policy == .soft {
      if undetermined.count < Self.mostNotes {
        let text = unsafe String(cString: X509_verify_cert_error_string(Int(reason)))
        undetermined.append("revocation of '\(certificate?.subject ?? "unknown")' cannot be told (\(text))")
      }
      unsafe X509_STORE_CTX_set_error(store, X509_V_OK)
      return true
    }
    if rejected == nil, let certificate {
      let sent = unsafe sly_chain_count(X509_STORE_CTX_get0_untrusted(store))
      rejected = (certificate, reason, unsafe X509_STORE_CTX_get_error_depth(store), sent)
    }
    return false
  }

  /// Whether a reason says that no list, or no current list, covers a certificate.
  static func leavesRevocationOpen(_ reason: Int32) -> Bool {
    switch reason {
    case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_CRL_NOT_YET_VALID, X509_V_ERR_CRL_HAS_EXPIRED,
      X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, X509_V_ERR_DIFFERENT_CRL_SCOPE:
      true
    default: false
    }
  }

  private static let judge: @convention(c) (Int32, OpaquePointer?) -> Int32 = { isFine, store in
    guard isFine != 1, let store = unsafe store, let user = unsafe X509_STORE_CTX_get_ex_data(store, 0) else {
      return isFine
    }
    return unsafe Unmanaged<ServerVerification>.fromOpaque(user).takeUnretainedValue().judge(store) ? 1 : 0
  }

  /// Called by OpenSSL to verify the server of a session.
  static let verifyForSession: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { store, _ in
    guard let store = unsafe store,
      let ssl = unsafe X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
      let user = unsafe SSL_get_ex_data(OpaquePointer(ssl), 0)
    else { return 0 }
    let session = unsafe Unmanaged<TLSSession>.fromOpaque(user).takeUnretainedValue()
    return unsafe session.verification.verify(store) ? 1 : 0
  }
}
