internal import COpenSSL

/// When a certificate begins and ceases to be valid.
package struct CertificateExpiry: Sendable, Hashable {
  /// Whose certificate it is.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// This side's own.
    case client
    /// An intermediate of this side's chain.
    case issuer
    /// An authority that may vouch for the server.
    case authority
    /// The server's own.
    case server
  }

  /// Whose certificate it is.
  package var kind: Kind
  /// The subject as text, such as `CN = scheduler`.
  package var subject: String
  /// The beginning, in seconds since 1970.
  package var notBefore: Int64
  /// The end, in seconds since 1970.
  package var notAfter: Int64

  package init(kind: Kind, subject: String, notBefore: Int64, notAfter: Int64) {
    self.kind = kind
    self.subject = subject
    self.notBefore = notBefore
    self.notAfter = notAfter
  }
}
