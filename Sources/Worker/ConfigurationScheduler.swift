import Egress
import GRPCClient
package import OAuthClient
import Secrets
package import TLSClient

/// How to reach the scheduler and whose work to take there.
package struct SchedulerConfiguration: Sendable {
  /// Whom to dial.
  package var address: SchedulerAddress
  /// Further addresses that serve as well.
  package var alternatives: [SchedulerAddress] = []
  /// The way there.
  package var network = NetworkConfiguration()
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
  /// Where bearer tokens are granted; nil: OAuth is not used. Never together with `apiKey`.
  package var oauth: TokenEndpointConfiguration?

  /// Reads the variables of the scheduler section. On faults the result is not to be used; `reader.finish()` throws.
  package static func read(_ reader: inout SettingReader) -> SchedulerConfiguration {
    let addresses = readAddresses(&reader)
    var configuration = SchedulerConfiguration(
      address: addresses[0], namespace: reader.text(.temporalNamespace) ?? "",
      taskQueue: reader.text(.temporalTaskQueue) ?? "", tls: nil, apiKey: readAPIKey(&reader))
    configuration.alternatives = Array(addresses.dropFirst())
    configuration.network = .read(&reader)
    for setting in [Setting.temporalNamespace, .temporalTaskQueue] {
      if let value = reader.text(setting), value.utf8.count > 1000 {
        reader.fault(setting, "longer than the 1000 bytes that the scheduler takes")
      }
    }
    // What the one furthest away needs, all need.
    configuration.tls = readTLS(&reader, addresses.first { !$0.isLoopback } ?? addresses[0])
    configuration.authority = readAuthority(&reader)
    configuration.oauth = .read(&reader, identity: configuration.tls?.clientIdentity)
    if let url = configuration.oauth?.url {
      configuration.oauth?.egress = configuration.network.egress
      configuration.oauth?.proxy = configuration.network.proxy?.proxy(forHost: url.host, port: url.port)
    }
    configuration.checkEgress(&reader)
    return configuration
  }

  /// At least one address; a stand-in after a fault.
  private static func readAddresses(_ reader: inout SettingReader) -> [SchedulerAddress] {
    let addresses = (reader.text(.temporalAddress) ?? "").split(separator: ",", omittingEmptySubsequences: false)
      .map { readAddress(String($0).trimmingSpaces, &reader) }
    guard addresses.count > 1 else { return addresses }
    if addresses.contains(where: { $0.socketPath != nil }) {
      reader.fault(.temporalAddress, "names a unix socket beside other addresses: give the socket alone")
    }
    if Set(addresses.map(\.scheme)).count > 1 {
      reader.fault(.temporalAddress, "mixes addresses with different schemes: write all of them alike")
    }
    return addresses
  }

  private static func readAddress(_ text: String, _ reader: inout SettingReader) -> SchedulerAddress {
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
    let bearer = [Setting.temporalAPIKey, .oauthTokenURL].first { reader.isSet($0) }
    switch decide(wish: wish, address: address, needing: needing, bearer: bearer) {
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
}

extension SchedulerAddress {
  /// Stands in for an address that could not be read, so that the reading can go on to the next fault.
  fileprivate static let unknown = SchedulerAddress(loopbackPort: standardPort)

  private init(loopbackPort port: Int) {
    scheme = nil
    host = "localhost"
    self.port = port
    socketPath = nil
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
