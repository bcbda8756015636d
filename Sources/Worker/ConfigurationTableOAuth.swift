/// The variables of OAuth2 client credentials for the scheduler.
extension Setting {
  static let oauthTokenURL = Setting(
    "SALLYPORT_OAUTH_TOKEN_URL", .scheduler, .text, example: "https://login.example/oauth/token",
    "Token endpoint for OAuth2 client credentials. The token goes to the scheduler instead of an API key, over TLS only."
  )
  static let oauthClientID = Setting(
    "SALLYPORT_OAUTH_CLIENT_ID", .scheduler, .text, example: "sallyport-prod", "The client's identifier there.")
  static let oauthClientSecret = Setting(
    "SALLYPORT_OAUTH_CLIENT_SECRET", .scheduler, .text, example: "the secret as the endpoint's operator gave it",
    isSecret: true, "The client's secret. A file is read again for every request.")
  static let oauthScope = Setting(
    "SALLYPORT_OAUTH_SCOPE", .scheduler, .text, example: "temporal.write", "Scopes to ask for, between spaces.")
  static let oauthAudience = Setting(
    "SALLYPORT_OAUTH_AUDIENCE", .scheduler, .text, example: "https://scheduler.example",
    "The service that the token is for, where the endpoint wants to know.")
  static let oauthCA = Setting(
    "SALLYPORT_OAUTH_CA", .scheduler, .file, example: "/certs/login-ca.crt",
    "PEM file of the authorities that may vouch for the token endpoint; the system's are then not trusted.")
  static let oauthTokenField = Setting(
    "SALLYPORT_OAUTH_TOKEN_FIELD", .scheduler, .choice(["access_token", "id_token"]), standard: "access_token",
    "The member of the endpoint's answer that is sent to the scheduler.")
  static let oauthClientAuth = Setting(
    "SALLYPORT_OAUTH_CLIENT_AUTH", .scheduler, .choice(["basic", "post", "assertion", "certificate"]),
    standard: "basic",
    "How the client proves who it is: its secret by HTTP Basic or in the form, a signed assertion from a file, or the "
      + "certificate of `TEMPORAL_TLS_CERT` alone.")
  static let oauthAssertionFile = Setting(
    "SALLYPORT_OAUTH_ASSERTION_FILE", .scheduler, .file, example: "/var/run/secrets/tokens/login",
    "File with a signed JWT, such as a projected service-account token. Read again for every request.")

  static let oauthSettings: [Setting] = [
    oauthTokenURL, oauthClientID, oauthClientSecret, oauthScope, oauthAudience, oauthCA, oauthTokenField,
    oauthClientAuth, oauthAssertionFile,
  ]
}
