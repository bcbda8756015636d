internal import COpenSSL
internal import Secrets

/// Feeds bytes to the readers of mounted files, for fuzzing and for short runs of the same in the unit tests. Whatever
/// the bytes are, each reader ends with a value or a `TLSError`.
package enum TLSFilesExercise {
  /// The first byte chooses between PEM as it stands and a DER encoding that is wrapped in PEM, so that mutations reach
  /// what lies below the base64.
  package static func certificates(_ bytes: [UInt8]) {
    guard let choice = bytes.first else { return }
    let content = Array(bytes.dropFirst())
    let text = wrapped(content, label: [nil, "CERTIFICATE", "X509 CRL", "TRUSTED CERTIFICATE"][Int(choice % 4)])
    do throws(TLSError) {
      for certificate in try Certificate.readAll(text, file: "input") {
        _ = (certificate.subject, certificate.issuer, certificate.notBefore, certificate.notAfter)
        _ = (certificate.validity, certificate.pin, certificate.nameList, certificate.uris)
        _ = (certificate.isAuthority, certificate.isSelfIssued, certificate.admitsClientUse)
        _ = certificate.isIssued(by: certificate)
      }
    } catch { check(error) }
    guard let store = unsafe X509_STORE_new() else { return }
    defer { unsafe X509_STORE_free(store) }
    do throws(TLSError) {
      unsafe try RevocationList.add([.init(path: "input", bytes: text)], to: store)
    } catch { check(error) }
  }

  /// The first byte chooses the form of key that the rest is taken for. No passphrase is given: the rounds of key
  /// derivation that an encrypted key asks for have no bound, and whoever mounts keys is trusted.
  package static func keys(_ bytes: [UInt8]) {
    guard let choice = bytes.first else { return }
    let labels = [nil, "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PARAMETERS"]
    let content = Array(bytes.dropFirst())
    let isArchive = choice % 7 == 6
    let text = isArchive ? content : wrapped(content, label: labels[Int(choice % 7)])
    let secret = SharedSecret(copying: text)
    do throws(TLSError) {
      if isArchive {
        _ = try PKCS12Archive.read(secret, file: "input", passphrase: nil)
      } else {
        _ = try PrivateKey.read(secret, file: "input", passphrase: nil)
      }
    } catch { check(error) }
  }

  /// A fault of a file must be called one, and must not repeat what stands in the file.
  private static func check(_ error: TLSError) {
    precondition(error.isLocal, "a damaged file was reported as \(error.code)")
    precondition(error.message.utf8.count < 2_000, "a damaged file's message is longer than any file's name")
  }

  private static func wrapped(_ bytes: [UInt8], label: String?) -> [UInt8] {
    guard let label else { return bytes }
    var text = Array("-----BEGIN \(label)-----\n".utf8)
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = Array(rest.prefix(48))
      rest = rest.dropFirst(48)
      var line = [UInt8](repeating: 0, count: 65)
      let count = unsafe EVP_EncodeBlock(&line, part, Int32(part.count))
      text += line.prefix(Int(max(0, count))) + [UInt8(ascii: "\n")]
    }
    return text + Array("-----END \(label)-----\n".utf8)
  }
}
