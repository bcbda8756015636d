import GRPCClient
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
  /// The value of `:authority`; nil: made from server name or host, and port.
  package var authority: String?

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
    configuration.authority = readAuthority(&reader)
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

  private static func readAuthority(_ reader: inout SettingReader) -> String? {
    guard let text = reader.text(.temporalTLSAuthority) else { return nil }
    if !text.contains("://"), !text.hasSuffix("/"), (try? SchedulerAddress(text)) != nil { return text }
    reader.fault(.temporalTLSAuthority, value: text, "is no host, or host and port")
    return nil
  }

  /// The TLS settings, or nil for plaintext; refuses combinations in which a credential would travel unprotected.
  private static func readTLS(_ reader: inout SettingReader, _ address: SchedulerAddress) -> TLSConfiguration? {
    let wish = reader.choice(.temporalTLS)
    let tls = TLSConfiguration.read(&reader)
    let needing = tls.settingsInUse(reader)
    let hasKey = reader.isSet(.temporalAPIKey)
    switch decide(wish: wish, address: address, needing: needing, hasKey: hasKey) {
    case .plaintext: return nil
    case .refused(let setting, let fault):
      reader.fault(setting, fault)
      return nil
    case .encrypted: return tls
    }
  }

  private enum Protection {
    case plaintext
    case encrypted
    case refused(Setting, String)
  }

  private static func decide(
    wish: String, address: SchedulerAddress, needing: [Setting], hasKey: Bool
  ) -> Protection {
    let names = (needing.map(\.name) + (hasKey ? ["TEMPORAL_API_KEY"] : [])).joined(separator: ", ")
    if wish == "off" {
      if let first = needing.first {
        return .refused(.temporalTLS, "off, yet \(first.name) is set, which only TLS uses: unset one of them")
      }
      if address.scheme == .https {
        return .refused(.temporalTLS, "off, yet TEMPORAL_ADDRESS begins with https://: change one of them")
      }
      if hasKey && !address.isLoopback {
        return .refused(
          .temporalTLS, "off would send TEMPORAL_API_KEY unprotected over the network: use TEMPORAL_TLS=on")
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
