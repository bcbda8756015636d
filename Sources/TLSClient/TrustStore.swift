internal import COpenSSL
internal import Secrets

/// Who may vouch for the server, and the revocation lists, as they were put into a context.
struct TrustStore {
  /// The private authorities; empty when only the system's are trusted.
  let authorities: [Certificate]
  /// How many there are and where they come from, for the log.
  let source: String
  /// What an operator should know though the store can be used.
  let warnings: [String]

  /// Fills a context's store.
  ///
  /// - Parameter now: seconds since 1970, by which authorities that are past their time are noticed.
  /// - Throws: `TLSError.fileUnusable` or `.noTrustAnchors`, naming the file.
  static func install(
    _ material: TLSMaterial, in context: OpaquePointer, now: Int64
  ) throws(TLSError) -> TrustStore {
    let configuration = material.configuration
    let store = unsafe SSL_CTX_get_cert_store(context)
    var authorities: [Certificate] = []
    var sources: [String] = []
    if let files = material.authorities, case .file(let path) = configuration.trust {
      for file in files {
        for authority in try Certificate.readAll(file.bytes, file: file.path) {
          guard unsafe X509_STORE_add_cert(store, authority.handle) == 1 else {
            OpenSSLErrors.clear()
            throw TLSError(.fileUnusable, "the authority '\(authority.subject)' in '\(file.path)' cannot be used")
          }
          authorities.append(authority)
        }
      }
      sources.append("\(authorities.count) from '\(path)'")
    }
    if material.authorities == nil || configuration.appendsSystemRoots {
      let roots = unsafe SystemRoots.load(into: context)
      guard roots.count > 0 else {
        throw TLSError(
          .noTrustAnchors,
          "this system has no certificate authorities (0 trust anchors in \(roots.source)): install ca-certificates,"
            + " or name the file of the server's authority")
      }
      sources.append("\(roots.count) of the system from \(roots.source)")
    }
    var flags: UInt = configuration.acceptsPartialChain ? UInt(X509_V_FLAG_PARTIAL_CHAIN) : 0
    if let lists = material.revocationLists {
      unsafe try RevocationList.add(lists, to: store)
      flags |= UInt(X509_V_FLAG_CRL_CHECK) | UInt(X509_V_FLAG_CRL_CHECK_ALL)
    }
    unsafe X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), flags)
    let warnings = authorities.filter { $0.validity.to < now }.map {
      "the authority '\($0.subject)' expired on \($0.notAfter): remove it, and add its successor if there is none yet"
    }
    return TrustStore(authorities: authorities, source: sources.joined(separator: ", "), warnings: warnings)
  }
}
