/// From when to when a certificate is valid, for metrics and warnings.
package struct CertificateExpiry: Sendable, Hashable {
  /// What the certificate is for. A small, fixed set: it is a metric's dimension.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// This client's own.
    case client
    /// An intermediate that is sent with it.
    case issuer
    /// One that is trusted to vouch for the server.
    case authority
    /// The server's.
    case server
  }

  /// What the certificate is for.
  package let kind: Kind
  /// Whose it is, such as `CN = scheduler`.
  package let subject: String
  /// The first and the last second of its time, in seconds since 1970.
  package let notBefore: Int64, notAfter: Int64

  package init(kind: Kind, subject: String, notBefore: Int64, notAfter: Int64) {
    self.kind = kind
    self.subject = subject
    self.notBefore = notBefore
    self.notAfter = notAfter
  }
}
