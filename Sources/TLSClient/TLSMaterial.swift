package import Secrets

/// The contents of the files that a `TLSConfiguration` names, all of one generation.
package struct TLSMaterial: Sendable {
  /// The configuration that was read.
  package let configuration: TLSConfiguration
  /// SHA-256 over the names and contents of everything that was read: equal exactly when nothing has changed.
  package let fingerprint: [UInt8]
  /// Whether all files came from one swap of their volume; otherwise a `GenerationGate` should see them twice.
  package let isAtomic: Bool
  /// What an operator should know about the files though they were read.
  package let notes: [MountedUnit.Note]
  /// PEM of the private authorities; nil: the system's.
  let authorities: [MountedUnit.OpenContent]?
  /// PEM of the revocation lists; nil: revocation is not checked.
  let revocationLists: [MountedUnit.OpenContent]?
  /// PEM of the client's certificate chain; nil: there is none, or it stands beside the key.
  let certificates: [UInt8]?
  /// PEM of the client's private key, with the chain if it has no file of its own, or the PKCS#12 archive.
  let key: SharedSecret?
  /// The key's passphrase.
  let passphrase: SharedSecret?

  /// Which member of the unit is which.
  private struct Plan {
    var members: [MountedUnit.Member] = []
    var authorities: Int?
    var lists: Int?
    var certificate: Int?
    var key: Int?
    var passphrase: Int?

    mutating func add(_ path: String, _ kind: MountedUnit.Member.Kind) -> Int {
      members.append(MountedUnit.Member(path: path, kind: kind))
      return members.count - 1
    }

    init(_ configuration: TLSConfiguration) {
      if case .file(let path) = configuration.trust { authorities = add(path, .bundle) }
      if let revocation = configuration.revocation { lists = add(revocation.path, .bundle) }
      guard let identity = configuration.clientIdentity else { return }
      switch identity.format {
      case .pem:
        // A file that holds both is a secret.
        if identity.certificateFile != identity.keyFile { certificate = add(identity.certificateFile, .open) }
        key = add(identity.keyFile, .secret)
      case .pkcs12: key = add(identity.keyFile, .binarySecret)
      }
      passphrase = identity.passphraseFile.map { add($0, .secret) }
    }
  }

  /// Reads the files. Blocks: only on a thread of its own.
  ///
  /// - Throws: `TLSError.fileUnusable` naming the file and what to do.
  package static func read(_ configuration: TLSConfiguration) throws(TLSError) -> TLSMaterial {
    let plan = Plan(configuration)
    let unit: MountedUnit
    do throws(SecretError) {
      unit = try MountedUnit.read(plan.members)
    } catch {
      throw TLSError(.fileUnusable, error.description)
    }
    func content(_ index: Int?) -> MountedUnit.Content? {
      index.flatMap { unit.contents.indices.contains($0) ? unit.contents[$0] : nil }
    }
    return TLSMaterial(
      configuration: configuration, fingerprint: unit.fingerprint, isAtomic: unit.isAtomic, notes: unit.notes,
      authorities: content(plan.authorities)?.files, revocationLists: content(plan.lists)?.files,
      certificates: content(plan.certificate)?.files.flatMap(\.bytes), key: content(plan.key)?.secret,
      passphrase: content(plan.passphrase)?.secret)
  }
}
