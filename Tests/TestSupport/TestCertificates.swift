import Foundation

/// A private certificate authority with the certificates that tests need, made once in each test process.
package struct TestCertificates: Sendable {
  /// A certificate and its key, both PEM files.
  package struct Pair: Sendable {
    package let certificate: String
    package let key: String

    package init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// The folder that holds everything.
  package let folder: TemporaryFolder

  /// The authority of `server` and `client`.
  package var authority: String { folder.file("ca.crt") }
  /// An authority that has nothing to do with the other.
  package var otherAuthority: String { folder.file("other-ca.crt") }
  /// For localhost, 127.0.0.1 and ::1.
  package var server: Pair { pair("server") }
  /// Leaf and key of `server` in one file, as haproxy wants them.
  package var serverBundle: String { folder.file("server.pem") }
  /// A good client.
  package var client: Pair { pair("client") }
  /// A client of the other authority.
  package var stranger: Pair { pair("stranger") }
  /// A client whose time is over.
  package var expired: Pair { pair("expired") }
  /// The key of `client`, encrypted with `passphrase`.
  package var encryptedKey: String { folder.file("client-encrypted.key") }
  /// Not a secret: it opens nothing but a throw-away key.
  package let passphrase = "only for tests"
  /// A server certificate for `wrong.example` only.
  package var otherHost: Pair { pair("otherhost") }

  private func pair(_ name: String) -> Pair {
    Pair(certificate: folder.file(name + ".crt"), key: folder.file(name + ".key"))
  }

  /// The set that the tests of this process share.
  package static func shared() throws -> TestCertificates { try sharedSet.get() }

  private static let sharedSet = Result { try TestCertificates() }

  private init() throws {
    folder = try TemporaryFolder("sallyport-certificates")
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    try PeerProcess.run(root.appendingPathComponent("certs-example/make-certs").path, [folder.path])
    let script = """
      set -e
      cat server.crt server.key > server.pem
      openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 1000 -in client.key -out client-encrypted.key -passout 'pass:\(passphrase)'
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout otherhost.key -out otherhost.csr -subj /CN=localhost
      printf 'subjectAltName=DNS:wrong.example\\n' > otherhost.ext
      openssl x509 -req -in otherhost.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out otherhost.crt -extfile otherhost.ext
      chmod a+r ./*
      """
    try PeerProcess.run("/bin/bash", ["-c", script], folder: folder.path)
  }
}
