extension TestCertificates.Pair {
  /// A pair that a test has made itself.
  package static func files(certificate: String, key: String) -> TestCertificates.Pair {
    TestCertificates.Pair(certificate: certificate, key: key)
  }
}
