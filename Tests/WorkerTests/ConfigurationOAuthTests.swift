import Foundation
import OAuthClient
import Secrets
import TLSClient
import Testing

@testable import Worker

@Suite("OAuth settings")
struct ConfigurationOAuthTests {
  let fixture: ConfigurationFixture
  private static let url = "https://login.example/oauth/token"

  init() throws { fixture = try ConfigurationFixture() }

  private func configuration(_ values: [String: String], secret: String? = nil) throws -> Configuration {
    var secrets: [String: SharedSecret] = [:]
    if let secret { secrets["SALLYPORT_OAUTH_CLIENT_SECRET"] = SharedSecret(copying: secret.utf8) }
    let base = ["DBT_PROJECT_DIR": fixture.path("project"), "TEMPORAL_ADDRESS": "s.example:7233"]
    return try Configuration(ProcessEnvironment(values: base.merging(values) { $1 }, secrets: secrets))
  }

  /// The faults as `NAME: fault` lines.
  private func faults(_ values: [String: String], secret: String? = nil) -> [String] {
    do { _ = try configuration(values, secret: secret) } catch {
      return (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"]
    }
    return []
  }

  /// Right values, with changes; an empty one takes a variable out.
  private func values(_ changes: [String: String] = [:]) -> [String: String] {
    ["SALLYPORT_OAUTH_TOKEN_URL": Self.url, "SALLYPORT_OAUTH_CLIENT_ID": "worker"].merging(changes) { $1 }
  }

  @Test func nothingSetMeansNoOAuth() throws {
    #expect(try configuration([:]).scheduler.oauth == nil)
  }

  @Test func everythingIsReadAndTheSchedulersTrustIsNotUsed() throws {
    let oauth = try #require(
      try configuration(
        values([
          "SALLYPORT_OAUTH_SCOPE": "a b", "SALLYPORT_OAUTH_AUDIENCE": "https://x",
          "SALLYPORT_OAUTH_TOKEN_FIELD": "id_token",
          "SALLYPORT_OAUTH_CA": fixture.path("ca.crt"), "SALLYPORT_OAUTH_CLIENT_AUTH": "POST",
          "TEMPORAL_TLS_CERT": fixture.path("tls.crt"), "TEMPORAL_TLS_KEY": fixture.path("tls.key"),
        ]), secret: "s3cret"
      ).scheduler.oauth)
    #expect(oauth.url.text == Self.url && oauth.clientIdentifier == "worker")
    #expect(oauth.scope == "a b" && oauth.audience == "https://x" && oauth.field == .identityToken)
    #expect(oauth.tls == TLSConfiguration(trust: .file(fixture.path("ca.crt"))))
    guard case .post(let secret) = oauth.authentication else {
      Issue.record("not post")
      return
    }
    #expect(try secret.current().matches(SharedSecret(copying: "s3cret".utf8)))
  }

  @Test func theSecretsFileIsReadAgain() throws {
    try fixture.write("oauth-secret", "one\n")
    let oauth = try #require(
      try configuration(values(["SALLYPORT_OAUTH_CLIENT_SECRET_FILE": fixture.path("oauth-secret")])).scheduler.oauth)
    guard case .basic(let secret) = oauth.authentication else {
      Issue.record("not basic")
      return
    }
    #expect(try secret.current().matches(SharedSecret(copying: "one".utf8)))
    try fixture.write("oauth-secret", "two\n")
    #expect(try secret.current().matches(SharedSecret(copying: "two".utf8)))
  }

  @Test func anAssertionNeedsNoIdentifierAndACertificateNoSecret() throws {
    try fixture.write("jwt", "eyJ.a.b\n")
    let assertion = try configuration([
      "SALLYPORT_OAUTH_TOKEN_URL": Self.url, "SALLYPORT_OAUTH_CLIENT_AUTH": "assertion",
      "SALLYPORT_OAUTH_ASSERTION_FILE": fixture.path("jwt"),
    ])
    #expect(assertion.scheduler.oauth?.clientIdentifier == "")
    let identity = TLSConfiguration.ClientIdentity(
      certificateFile: fixture.path("tls.crt"), keyFile: fixture.path("tls.key"))
    let certificate = try configuration(
      values([
        "SALLYPORT_OAUTH_CLIENT_AUTH": "certificate", "TEMPORAL_TLS_CERT": fixture.path("tls.crt"),
        "TEMPORAL_TLS_KEY": fixture.path("tls.key"),
      ]))
    #expect(certificate.scheduler.oauth?.tls.clientIdentity == identity)
  }

  /// Changes to right values → the variable that is named, and words of the fault.
  @Test(arguments: [
    (["SALLYPORT_OAUTH_TOKEN_URL": "http://login.example/t"], "SALLYPORT_OAUTH_TOKEN_URL", "use https://"),
    (["SALLYPORT_OAUTH_TOKEN_URL": "login"], "SALLYPORT_OAUTH_TOKEN_URL", "for example"),
    (["SALLYPORT_OAUTH_TOKEN_URL": "https://u:canary@login.example/t"], "SALLYPORT_OAUTH_TOKEN_URL", "no place"),
    (["SALLYPORT_OAUTH_TOKEN_URL": ""], "SALLYPORT_OAUTH_CLIENT_ID", "set without SALLYPORT_OAUTH_TOKEN_URL"),
    (["SALLYPORT_OAUTH_CLIENT_ID": ""], "SALLYPORT_OAUTH_CLIENT_ID", "not set"),
    (["SALLYPORT_OAUTH_CLIENT_ID": "a\nb"], "SALLYPORT_OAUTH_CLIENT_ID", "printable"),
    (["SALLYPORT_OAUTH_SCOPE": "ä"], "SALLYPORT_OAUTH_SCOPE", "printable"),
    (["SALLYPORT_OAUTH_CA": "/no/such"], "SALLYPORT_OAUTH_CA", "no file"),
    (["SALLYPORT_OAUTH_TOKEN_FIELD": "jwt"], "SALLYPORT_OAUTH_TOKEN_FIELD", "one of access_token, id_token"),
    (["SALLYPORT_OAUTH_CLIENT_AUTH": "digest"], "SALLYPORT_OAUTH_CLIENT_AUTH", "one of basic"),
    (["SALLYPORT_OAUTH_ASSERTION_FILE": "/jwt"], "SALLYPORT_OAUTH_ASSERTION_FILE", "assertion"),
    (["TEMPORAL_TLS": "off"], "TEMPORAL_TLS", "the token of SALLYPORT_OAUTH_TOKEN_URL unprotected"),
    (["TEMPORAL_ADDRESS": "http://localhost:1"], "TEMPORAL_ADDRESS", "SALLYPORT_OAUTH_TOKEN_URL is set"),
  ])
  func faultsAreNamed(changes: [String: String], variable: String, words: String) {
    let faults = faults(values(changes), secret: "canary-s3cret")
    #expect(faults.contains { $0.hasPrefix(variable + ": ") && $0.contains(words) }, "\(faults)")
    #expect(!faults.joined().contains("canary"))
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    #expect(faults(values()).first?.hasPrefix("SALLYPORT_OAUTH_CLIENT_SECRET: not set") == true)
    #expect(faults(values(["SALLYPORT_OAUTH_CLIENT_AUTH": "certificate"])).first?.contains("TEMPORAL_TLS_CERT") == true)
    #expect(faults(values(["SALLYPORT_OAUTH_CLIENT_AUTH": "assertion"])).first?.contains("not set") == true)
    let unused = faults(values(["SALLYPORT_OAUTH_CLIENT_AUTH": "certificate"]), secret: "x")
    #expect(unused.contains { $0.hasPrefix("SALLYPORT_OAUTH_CLIENT_SECRET: set, yet") }, "\(unused)")
    let mangled = faults(values(), secret: "canary\nx")
    #expect(mangled.count == 1 && mangled[0].contains("control characters") && !mangled[0].contains("canary"))
    let both = fixture.faults(values().merging(["TEMPORAL_ADDRESS": "s.example:1"]) { $1 }, key: "key")
    #expect(both.contains { $0.contains("set together with TEMPORAL_API_KEY") }, "\(both)")
  }

  @Test func aTokenCallsForTLSLikeAKey() throws {
    let local = values(["TEMPORAL_ADDRESS": "localhost:7233"])
    #expect(try configuration(local, secret: "x").scheduler.tls != nil)
    #expect(try configuration(local.merging(["TEMPORAL_TLS": "off"]) { $1 }, secret: "x").scheduler.tls == nil)
  }

  /// Texts of failed calls → the first variable that is named.
  @Test(arguments: [
    ("no OAuth token (https://l/t refuses this client (HTTP 401))", "SALLYPORT_OAUTH_CLIENT_ID"),
    (
      "no OAuth token (the certificate of https://l/t does not come from the system's authorities)",
      "SALLYPORT_OAUTH_CA"
    ),
    ("no OAuth token (https://l/t does not grant the scope asked for)", "SALLYPORT_OAUTH_SCOPE"),
    ("no OAuth token (the name 'l' of the token endpoint has no address)", "SALLYPORT_OAUTH_TOKEN_URL"),
  ])
  func adviceNamesTheVariable(text: String, variable: String) {
    #expect(ConnectionAdvice.settings(text, isCredentialRefused: false).first == variable)
  }
}
