internal import Secrets

/// The contents of the files that a `TLSConfiguration` names, read at one time.
package struct TLSMaterial: Sendable {
  /// The configuration that was read.
  let configuration: TLSConfiguration
  /// PEM of the private authorities; nil: the system's.
  let authorities: [UInt8]?
  /// PEM of the client's certificate chain.
  let certificates: [UInt8]?
  /// PEM of the client's private key.
  let key: SharedSecret?
  /// The key's passphrase.
  let passphrase: SharedSecret?

  private static let fileLimit = 1 << 20

  /// Reads the files. Blocks: only on a thread of its own.
  ///
  /// - Throws: `TLSError.fileUnusable` naming the file and what to do.
  package static func read(_ configuration: TLSConfiguration) throws(TLSError) -> TLSMaterial {
    do throws(SecretError) {
      var authorities: [UInt8]?
      if case .file(let path) = configuration.trust { authorities = try MountedFile.read(path, limit: fileLimit) }
      guard let identity = configuration.clientIdentity else {
        return TLSMaterial(
          configuration: configuration, authorities: authorities, certificates: nil, key: nil, passphrase: nil)
      }
      return TLSMaterial(
        configuration: configuration, authorities: authorities,
        certificates: try MountedFile.read(identity.certificateFile, limit: fileLimit),
        key: try SharedSecret.read(path: identity.keyFile),
        passphrase: try identity.passphraseFile.map { (path) throws(SecretError) in
          try SharedSecret.read(path: path)
        })
    } catch {
      throw TLSError(.fileUnusable, error.description)
    }
  }
}
