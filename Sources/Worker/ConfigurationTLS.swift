import Secrets
package import TLSClient

/// Reading of everything that TLS needs; whether it is used at all is decided in `SchedulerConfiguration`.
extension TLSConfiguration {
  private static let certificateMark = "-----BEGIN CERTIFICATE-----"

  /// Reads and checks the variables. On faults the result is not to be used.
  static func read(_ reader: inout SettingReader) -> TLSConfiguration {
    let identity = readIdentity(&reader)
    let authorities = reader.fileOrFolder(.temporalTLSCA, containing: certificateMark)
    var tls = TLSConfiguration(
      trust: authorities.map { .file($0) } ?? .systemRoots, clientIdentity: identity,
      serverName: reader.text(.temporalTLSServerName))
    tls.appendsSystemRoots = reader.flag(.temporalTLSCAAppendSystem)
    if tls.appendsSystemRoots && !reader.isSet(.temporalTLSCA) {
      reader.fault(
        .temporalTLSCAAppendSystem, "true without TEMPORAL_TLS_CA: the system's authorities are trusted anyway")
    }
    tls.acceptsPartialChain = reader.flag(.temporalTLSPartialChain)
    let policy = Revocation.Policy(rawValue: reader.choice(.temporalTLSCRLPolicy)) ?? .fail
    tls.revocation = reader.fileOrFolder(.temporalTLSCRL, containing: "-----BEGIN X509 CRL-----").map {
      Revocation(path: $0, policy: policy)
    }
    if policy == .soft && !reader.isSet(.temporalTLSCRL) {
      reader.warn("TEMPORAL_TLS_CRL_POLICY is set without TEMPORAL_TLS_CRL: revocation is not checked")
    }
    tls.pins = readPins(&reader)
    tls.spiffeID = readSPIFFEID(&reader)
    tls.requiresCertificateRequest = reader.flag(.temporalTLSRequireCertRequest)
    tls.reverifiesStrictly = reader.flag(.temporalTLSStrictReverify)
    tls.requiresFIPS = readFIPS(&reader)
    return tls
  }

  /// The variables that are set and that only TLS uses; none of them may be lost by a plaintext connection.
  func settingsInUse(_ reader: SettingReader) -> [Setting] {
    let texts = [
      Setting.temporalTLSCA, .temporalTLSServerName, .temporalTLSCert, .temporalTLSKey, .temporalTLSPKCS12,
      .temporalTLSCRL, .temporalTLSPins, .temporalTLSSPIFFEID,
    ].filter { reader.isSet($0) }
    return texts + (requiresCertificateRequest ? [.temporalTLSRequireCertRequest] : [])
  }

  private static func readPins(_ reader: inout SettingReader) -> Set<PublicKeyPin> {
    guard let text = reader.text(.temporalTLSPins) else { return [] }
    var pins: Set<PublicKeyPin> = []
    for entry in text.split(separator: ",") {
      let trimmed = entry.drop { $0 == " " }
      let word = String(trimmed.prefix { $0 != " " })
      guard let pin = PublicKeyPin(word) else {
        reader.fault(.temporalTLSPins, value: word, "is no sha256/ and 44 characters of base64")
        continue
      }
      pins.insert(pin)
    }
    if pins.count == 1 {
      reader.warn(
        "TEMPORAL_TLS_PINS holds one pin only: when the scheduler's key changes, nothing connects; add the next key's pin"
      )
    }
    return pins
  }

  private static func readSPIFFEID(_ reader: inout SettingReader) -> SPIFFEID? {
    guard let text = reader.text(.temporalTLSSPIFFEID) else { return nil }
    if let identity = SPIFFEID(text) { return identity }
    reader.fault(.temporalTLSSPIFFEID, value: text, "is no SPIFFE identity (spiffe://trust-domain/path)")
    return nil
  }

  /// FIPS mode is turned on here, before anything else uses OpenSSL in earnest.
  private static func readFIPS(_ reader: inout SettingReader) -> Bool {
    guard reader.choice(.fips) == "required" else { return false }
    do {
      try FIPSMode.require()
    } catch {
      reader.fault(.fips, error.description)
    }
    return true
  }

  private static func readIdentity(_ reader: inout SettingReader) -> ClientIdentity? {
    let hasCertificate = reader.isSet(.temporalTLSCert)
    let hasKey = reader.isSet(.temporalTLSKey)
    let certificate = reader.file(.temporalTLSCert, containing: certificateMark)
    let key = reader.secretFile(.temporalTLSKey, containing: "PRIVATE KEY-----")
    let archive = reader.secretFile(.temporalTLSPKCS12)
    let passphrase = reader.secretFile(.temporalTLSKeyPassphraseFile)
    if hasCertificate != hasKey {
      let (missing, present) =
        hasKey ? (Setting.temporalTLSCert, "TEMPORAL_TLS_KEY") : (.temporalTLSKey, "TEMPORAL_TLS_CERT")
      reader.fault(
        missing,
        "not set though \(present) is: both make up the client certificate; for example "
          + "\(missing.name)=\(missing.example)")
    }
    let hasArchive = reader.isSet(.temporalTLSPKCS12)
    if hasArchive && (hasCertificate || hasKey) {
      reader.fault(
        .temporalTLSPKCS12, "set together with TEMPORAL_TLS_CERT or TEMPORAL_TLS_KEY: which is meant? Unset the others")
    }
    if passphrase != nil && !hasKey && !hasArchive {
      reader.fault(
        .temporalTLSKeyPassphraseFile, "set without TEMPORAL_TLS_KEY or TEMPORAL_TLS_PKCS12, the key it should open")
    }
    if let archive { return ClientIdentity(archiveFile: archive, passphraseFile: passphrase) }
    guard let certificate, let key else { return nil }
    return ClientIdentity(certificateFile: certificate, keyFile: key, passphraseFile: passphrase)
  }
}

extension SchedulerConfiguration {
  /// Reads the TLS files once and builds what they make up, so that a set that can never work stops the start before
  /// anything is dialed. Blocks, and may compute for a while.
  ///
  /// - Returns: what deserves a line in the log. A certificate that is out of its time is among it: it may be renewed
  /// while
  ///   the worker runs.
  /// - Throws: the fault of the files.
  package func inspectTLSFiles() throws(TLSError) -> [String] {
    guard let tls else { return [] }
    do throws(TLSError) {
      return try TLSContext.load(tls).warnings
    } catch {
      guard error.code == .clientCertificateExpired || error.code == .clientCertificateNotYetValid else { throw error }
      return [error.message]
    }
  }
}
