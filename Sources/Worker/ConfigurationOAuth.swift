package import EventLoop
package import Logging
package import OAuthClient
import Secrets
import TLSClient

/// Reading the variables of OAuth2 client credentials.
extension TokenEndpointConfiguration {
  /// The endpoint, or nil when none is configured or there was a fault.
  ///
  /// - Parameter identity: the client certificate for the scheduler, which may serve for the endpoint too.
  static func read(
    _ reader: inout SettingReader, identity: TLSConfiguration.ClientIdentity?
  ) -> TokenEndpointConfiguration? {
    let text = reader.given(.oauthTokenURL)
    let identifier = reader.given(.oauthClientID)
    let scope = reader.given(.oauthScope)
    let audience = reader.given(.oauthAudience)
    let authorities = reader.file(.oauthCA, containing: "-----BEGIN CERTIFICATE-----")
    let field = TokenField(rawValue: reader.choice(.oauthTokenField)) ?? .accessToken
    let authentication = readAuthentication(&reader, hasEndpoint: text != nil, identity: identity)
    guard let text else {
      refuseStrays(&reader)
      return nil
    }
    if reader.isSet(.temporalAPIKey) {
      reader.fault(
        .oauthTokenURL, "set together with TEMPORAL_API_KEY: which of them identifies this worker? Unset one")
    }
    checkWords(&reader, [(.oauthClientID, identifier), (.oauthScope, scope), (.oauthAudience, audience)])
    guard let url = readURL(&reader, text), let authentication else { return nil }
    if identifier == nil {
      guard case .assertion = authentication else {
        reader.fault(.oauthClientID, "not set though SALLYPORT_OAUTH_TOKEN_URL is: the endpoint must know who asks")
        return nil
      }
    }
    var tls = TLSConfiguration(trust: authorities.map { .file($0) } ?? .systemRoots)
    if case .certificate = authentication { tls.clientIdentity = identity }
    var configuration = TokenEndpointConfiguration(
      url: url, clientIdentifier: identifier ?? "", authentication: authentication, tls: tls)
    configuration.scope = scope
    configuration.audience = audience
    configuration.field = field
    configuration.userAgent = Version.identity
    return configuration
  }

  private static func readURL(_ reader: inout SettingReader, _ text: String) -> TokenURL? {
    do throws(TokenURL.Fault) {
      return try TokenURL(text)
    } catch {
      // A text with a user part may hold a password.
      if text.contains("@") {
        reader.fault(.oauthTokenURL, "\(error.reason); for example \(Setting.oauthTokenURL.example)")
      } else {
        reader.fault(.oauthTokenURL, value: text, error.reason)
      }
      return nil
    }
  }

  /// How the client proves who it is; nil after a fault. What another way would need must not be set.
  private static func readAuthentication(
    _ reader: inout SettingReader, hasEndpoint: Bool, identity: TLSConfiguration.ClientIdentity?
  ) -> ClientAuthentication? {
    let way = reader.choice(.oauthClientAuth)
    let secret = reader.secret(.oauthClientSecret)
    let assertion = reader.given(.oauthAssertionFile)
    guard hasEndpoint else { return nil }
    let usesSecret = way == "basic" || way == "post"
    if !usesSecret && reader.isSet(.oauthClientSecret) {
      reader.fault(.oauthClientSecret, "set, yet SALLYPORT_OAUTH_CLIENT_AUTH=\(way) does not use it: unset one of them")
    }
    if way != "assertion" && assertion != nil {
      reader.fault(
        .oauthAssertionFile, "set, yet SALLYPORT_OAUTH_CLIENT_AUTH=\(way): set that to assertion, or unset this")
    }
    switch way {
    case "assertion": return readAssertion(&reader, assertion)
    case "certificate":
      if identity == nil {
        reader.fault(.oauthClientAuth, "certificate, yet there is none: set TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY")
      }
      return .certificate
    default:
      guard let secret = secret.map(ClientSecret.init) else {
        if !reader.isSet(.oauthClientSecret) {
          reader.fault(.oauthClientSecret, "not set though SALLYPORT_OAUTH_CLIENT_AUTH=\(way) needs it")
        }
        return nil
      }
      if let value = try? secret.current(), !isText(value) {
        reader.fault(.oauthClientSecret, "holds line ends or other control characters: check how it was copied")
      }
      return way == "post" ? .post(secret) : .basic(secret)
    }
  }

  private static func readAssertion(_ reader: inout SettingReader, _ path: String?) -> ClientAuthentication? {
    guard let path else {
      reader.fault(
        .oauthAssertionFile,
        "not set though SALLYPORT_OAUTH_CLIENT_AUTH=assertion needs it; for example "
          + "SALLYPORT_OAUTH_ASSERTION_FILE=\(Setting.oauthAssertionFile.example)")
      return nil
    }
    let file = SecretFile(path: path)
    do throws(SecretError) {
      let isWhole = isText(try file.current())
      if !isWhole { reader.fault(.oauthAssertionFile, "holds control characters: it must be one signed JWT") }
      return .assertion(file)
    } catch {
      reader.fault(.oauthAssertionFile, "\(error); for example \(Setting.oauthAssertionFile.example)")
      return nil
    }
  }

  private static func isText(_ secret: SharedSecret) -> Bool {
    unsafe secret.withBytes { bytes in unsafe bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
  }

  private static func checkWords(_ reader: inout SettingReader, _ words: [(Setting, String?)]) {
    for (setting, value) in words {
      guard let value else { continue }
      let isSound = value.utf8.count <= 1_024 && value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
      if !isSound { reader.fault(setting, value: value, "is longer than 1024 bytes or not printable ASCII") }
    }
  }

  private static func refuseStrays(_ reader: inout SettingReader) {
    for setting in Setting.oauthSettings where setting.standard == nil && reader.isSet(setting) {
      reader.fault(
        setting,
        "set without SALLYPORT_OAUTH_TOKEN_URL, the endpoint that it is for; for example "
          + "SALLYPORT_OAUTH_TOKEN_URL=\(Setting.oauthTokenURL.example)")
    }
  }
}

extension ClientSecret {
  /// The same source for the layer below.
  fileprivate init(_ source: SecretSource) {
    switch source {
    case .value(let secret): self = .value(secret)
    case .file(let file): self = .file(file)
    }
  }
}

extension SchedulerConfiguration {
  /// The source of bearer tokens for a channel on this loop; nil when OAuth is not configured.
  package func tokenSource(on loop: EventLoop, logger: Logger) -> OAuthTokenSource? {
    oauth.map { OAuthTokenSource(issuer: TokenEndpoint($0), loop: loop, logger: logger) }
  }
}
