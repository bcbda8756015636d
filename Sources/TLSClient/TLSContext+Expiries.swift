internal import COpenSSL
internal import Glibc

extension TLSContext {
  /// When the certificates of this side cease to be valid.
  package var expiries: [CertificateExpiry] {
    guard let leaf = unsafe SSL_CTX_get0_certificate(handle) else { return [] }
    unsafe X509_up_ref(leaf)
    let certificate = unsafe Certificate(adopting: leaf)
    let now = Int64(time(nil))
    func seconds(_ moment: UnsafePointer<ASN1_TIME>?) -> Int64? {
      var (days, rest): (Int32, Int32) = (0, 0)
      guard unsafe ASN1_TIME_diff(&days, &rest, nil, moment) == 1 else { return nil }
      return now + Int64(days) * 86_400 + Int64(rest)
    }
    guard let from = unsafe seconds(X509_get0_notBefore(leaf)), let until = unsafe seconds(X509_get0_notAfter(leaf))
    else { return [] }
    return [CertificateExpiry(kind: .client, subject: certificate.subject, notBefore: from, notAfter: until)]
  }
}
