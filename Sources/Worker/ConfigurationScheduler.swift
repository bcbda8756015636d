import GRPCClient
package import OAuthClient
import Secrets
package import TLSClient

/// How to reach the scheduler and whose work to take there.
package struct SchedulerConfiguration: Sendable {
  /// Whom to dial.
  package var address: SchedulerAddress
  /// The namespace of the runs.
  package var namespace: String
  /// The queue that is polled, or submitted to.
  package var taskQueue: String
  /// Nil: plaintext, which the reader grants to this machine or when asked for by name.
  package var tls: TLSConfiguration?
  /// Sent as a bearer token when set.
  package var apiKey: SecretSource?
  /// Where bearer tokens are granted; nil: OAuth is not used. Never together with `apiKey`.
  package var oauth: TokenEndpointConfiguration?

  /// Reads the variables of the scheduler section. On faults the result is not to be used; `reader.finish()` throws.
  package static func read(_ reader: inout SettingReader) -> SchedulerConfiguration {
    let address = readAddress(&reader)
    var configuration = SchedulerConfiguration(
      address: address, namespace: reader.text(.temporalNamespace) ?? "",
      taskQueue: reader.text(.temporalTaskQueue) ?? "", tls: nil, apiKey: readAPIKey(&reader))
    for setting in [Setting.temporalNamespace, .temporalTaskQueue] {
      if let value = reader.text(setting), value.utf8.count > 1000 {
        reader.fault(setting, "longer than the 1000 bytes that the scheduler takes")
      }
    }
    configuration.tls = readTLS(&reader, address)
    configuration.oauth = .read(&reader, identity: configuration.tls?.clientIdentity)
    return configuration
  }

  private static func readAddress(_ reader: inout SettingReader) -> SchedulerAddress {
    let text = reader.text(.temporalAddress) ?? ""
    do {
      return try SchedulerAddress(text)
    } catch {
      if text.contains("@") {
        reader.fault(
          .temporalAddress, "\(error.reason); for example TEMPORAL_ADDRESS=\(Setting.temporalAddress.example)")
      } else {
        reader.fault(.temporalAddress, value: text, error.reason)
      }
      return .unknown
    }
  }

  private static func readAPIKey(_ reader: inout SettingReader) -> SecretSource? {
    guard let source = reader.secret(.temporalAPIKey), let secret = try? source.current() else { return nil }
    let isVisible = unsafe secret.withBytes { bytes in unsafe bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
    if !isVisible {
      reader.fault(
        .temporalAPIKey,
        "holds characters that no key has (spaces, line ends or other than ASCII): check how it was copied")
    }
    return source
  }

  /// The TLS settings, or nil for plaintext; refuses combinations in which a credential would travel unprotected.
  private static func readTLS(_ reader: inout SettingReader, _ address: SchedulerAddress) -> TLSConfiguration? {
    let wish = reader.choice(.temporalTLS)
    let identity = readIdentity(&reader)
    let authorities = reader.file(.temporalTLSCA, containing: "-----BEGIN CERTIFICATE-----")
    let serverName = reader.text(.temporalTLSServerName)
    let needing = [Setting.temporalTLSCA, .temporalTLSServerName, .temporalTLSCert, .temporalTLSKey].filter {
      reader.isSet($0)
    }
    let bearer = [Setting.temporalAPIKey, .oauthTokenURL].first { reader.isSet($0) }
    switch decide(wish: wish, address: address, needing: needing, bearer: bearer) {
    case .plaintext: return nil
    case .refused(let setting, let fault):
      reader.fault(setting, fault)
      return nil
    case .encrypted:
      return TLSConfiguration(
        trust: authorities.map { .file($0) } ?? .systemRoots, clientIdentity: identity, serverName: serverName)
    }
  }

  private enum Protection {
    case plaintext
    case encrypted
    case refused(Setting, String)
  }

  private static func decide(
    wish: String, address: SchedulerAddress, needing: [Setting], bearer: Setting?
  ) -> Protection {
    let names = (needing + [bearer].compactMap { $0 }).map(\.name).joined(separator: ", ")
    if wish == "off" {
      if let first = needing.first {
        return .refused(.temporalTLS, "off, yet \(first.name) is set, which only TLS uses: unset one of them")
      }
      if address.scheme == .https {
        return .refused(.temporalTLS, "off, yet TEMPORAL_ADDRESS begins with https://: change one of them")
      }
      if let bearer, !address.isLoopback {
        let what = bearer == .temporalAPIKey ? bearer.name : "the token of \(bearer.name)"
        return .refused(.temporalTLS, "off would send \(what) unprotected over the network: use TEMPORAL_TLS=on")
      }
      return .plaintext
    }
    if address.scheme == .http {
      if wish == "on" || !names.isEmpty {
        let reason = wish == "on" ? "TEMPORAL_TLS=on" : names
        return .refused(
          .temporalAddress,
          "begins with http://, which is plaintext, yet \(reason) is set: TLS is needed; write https:// or host:port")
      }
      if !address.isLoopback {
        return .refused(
          .temporalAddress,
          "asks for plaintext (http://) to another machine: use https://, or ask for it by name with TEMPORAL_TLS=off")
      }
      return .plaintext
    }
    if wish == "on" || address.scheme == .https || !names.isEmpty || !address.isLoopback { return .encrypted }
    return .plaintext
  }

  private static func readIdentity(_ reader: inout SettingReader) -> TLSConfiguration.ClientIdentity? {
    let hasCertificate = reader.isSet(.temporalTLSCert)
    let hasKey = reader.isSet(.temporalTLSKey)
    let certificate = reader.file(.temporalTLSCert, containing: "-----BEGIN CERTIFICATE-----")
    let key = reader.file(.temporalTLSKey, containing: "PRIVATE KEY-----")
    let passphrase = reader.file(.temporalTLSKeyPassphraseFile)
    if hasCertificate != hasKey {
      let (missing, present) =
        hasKey ? (Setting.temporalTLSCert, "TEMPORAL_TLS_KEY") : (.temporalTLSKey, "TEMPORAL_TLS_CERT")
      reader.fault(
        missing,
        "not set though \(present) is: both make up the client certificate; for example "
          + "\(missing.name)=\(missing.example)")
    }
    if passphrase != nil && !hasKey {
      reader.fault(.temporalTLSKeyPassphraseFile, "set without TEMPORAL_TLS_KEY, the key it should open")
    }
    guard let certificate, let key else { return nil }
    return TLSConfiguration.ClientIdentity(certificateFile: certificate, keyFile: key, passphraseFile: passphrase)
  }
}

extension SchedulerAddress {
  /// Stands in for an address that could not be read, so that the reading can go on to the next fault.
  fileprivate static let unknown = SchedulerAddress(loopbackPort: standardPort)

  private init(loopbackPort port: Int) {
    scheme = nil
    host = "localhost"
    self.port = port
  }
}
