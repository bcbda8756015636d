internal import TLSClient

/// Says once for each certificate that its end comes near. A pure machine that is told the wall clock's time.
///
/// A long-lived certificate is warned of 30, 7 and 1 days before its end; one whose whole life is short, as an
/// automatic issuer makes it, when two thirds and nine tenths of that are over.
struct ExpiryWatch {
  /// Something to be said about a certificate.
  struct Warning: Sendable, Hashable {
    /// The certificate.
    let certificate: CertificateExpiry
    /// Seconds until its end; negative when it is past.
    let secondsLeft: Int64
    /// Whether the end is so near, or past, that somebody must act now.
    let isUrgent: Bool
  }

  private static let day: Int64 = 86_400
  /// How far each certificate's warnings have gone.
  private var said: [CertificateExpiry: Int] = [:]

  /// Nothing said yet.
  init() {}

  /// The warnings that are due now; each is given once. Certificates that are not named any more are forgotten.
  mutating func due(_ certificates: [CertificateExpiry], at now: Int64) -> [Warning] {
    said = said.filter { certificates.contains($0.key) }
    var warnings: [Warning] = []
    for certificate in certificates {
      let stages = Self.stages(of: certificate)
      let reached = stages.prefix { certificate.notAfter - now <= $0 }.count
      guard reached > said[certificate, default: 0] else { continue }
      said[certificate] = reached
      warnings.append(
        Warning(
          certificate: certificate, secondsLeft: certificate.notAfter - now, isUrgent: reached >= stages.count - 1))
    }
    return warnings
  }

  /// The certificate of this side whose end is past, if there is one.
  static func fault(in certificates: [CertificateExpiry], at now: Int64) -> CertificateExpiry? {
    certificates.first { $0.kind == .client && $0.notAfter <= now }
  }

  /// The times before the end, in seconds, at which to warn; falling, the last one zero.
  private static func stages(of certificate: CertificateExpiry) -> [Int64] {
    let life = max(0, certificate.notAfter - certificate.notBefore)
    // A warning that the whole life of a certificate would stand under says nothing.
    let usual = [30 * day, 7 * day, day].filter { life >= 3 * $0 }
    return (usual.isEmpty ? [life / 3, life / 10] : usual) + [0]
  }
}
