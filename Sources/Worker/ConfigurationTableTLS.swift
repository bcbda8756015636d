/// The variables of identity beyond the plain certificate: archives, revocation, pins, demands on the server.
extension Setting {
  static let temporalTLSPKCS12 = Setting(
    "TEMPORAL_TLS_PKCS12", .scheduler, .file, example: "/certs/client.p12",
    "PKCS#12 archive with client certificate and key, instead of `TEMPORAL_TLS_CERT` and `TEMPORAL_TLS_KEY`; opened "
      + "with `TEMPORAL_TLS_KEY_PASSPHRASE_FILE`.")
  static let temporalTLSCAAppendSystem = Setting(
    "TEMPORAL_TLS_CA_APPEND_SYSTEM", .scheduler, .flag, standard: "false",
    "Trust the system's authorities beside those of `TEMPORAL_TLS_CA`.")
  static let temporalTLSPartialChain = Setting(
    "TEMPORAL_TLS_PARTIAL_CHAIN", .scheduler, .flag, standard: "false",
    "An intermediate authority in `TEMPORAL_TLS_CA` suffices; its root need not be there.")
  static let temporalTLSCRL = Setting(
    "TEMPORAL_TLS_CRL", .scheduler, .fileOrFolder, example: "/certs/crl.pem",
    "PEM file, or a folder of them, with the revocation lists of every authority in the scheduler's chain. Unset: "
      + "revocation is not checked. Nothing is fetched.")
  static let temporalTLSCRLPolicy = Setting(
    "TEMPORAL_TLS_CRL_POLICY", .scheduler, .choice(["fail", "soft"]), standard: "fail",
    "When a list is missing or stale: `fail` refuses the scheduler, `soft` warns. What a list names is refused always."
  )
  static let temporalTLSPins = Setting(
    "TEMPORAL_TLS_PINS", .scheduler, .text, example: "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "Public keys (`sha256/BASE64` of the SubjectPublicKeyInfo) between commas; one of them must occur in the "
      + "scheduler's chain. Name the next key's pin beside the present one's.")
  static let temporalTLSSPIFFEID = Setting(
    "TEMPORAL_TLS_SPIFFE_ID", .scheduler, .text, example: "spiffe://prod.example/temporal/frontend",
    "The workload that the scheduler's certificate must name; replaces the check of the host's name.")
  static let temporalTLSRequireCertRequest = Setting(
    "TEMPORAL_TLS_REQUIRE_CERT_REQUEST", .scheduler, .flag, standard: "false",
    "Refuse a scheduler that never asks for a client certificate: TLS ends at a gateway that was not meant.")
  static let temporalTLSStrictReverify = Setting(
    "TEMPORAL_TLS_STRICT_REVERIFY", .scheduler, .flag, standard: "false",
    "A renewed `TEMPORAL_TLS_CA` that no longer vouches for the connected scheduler ends the connection at once. Otherwise "
      + "the bundle is refused while that connection serves.")
  static let temporalTLSAuthority = Setting(
    "TEMPORAL_TLS_AUTHORITY", .scheduler, .text, example: "frontend.temporal:7233",
    "The value of `:authority`, when a gateway routes by another name than it is dialed or certified by.")
  static let fips = Setting(
    "SALLYPORT_FIPS", .scheduler, .choice(["off", "required"]), standard: "off",
    "`required`: only algorithms of OpenSSL's FIPS provider, in the whole process; without it the start fails."
  )
}
