import Testing

@testable import Worker

@Suite struct ConnectionAdviceTests {
  @Test(arguments: [
    ("the server's certificate (CN=x) is not for 'a' but for b: dial one of those names", "TEMPORAL_TLS_SERVER_NAME"),
    ("the server's certificate (CN=x) does not come from the authorities in '/ca'", "TEMPORAL_TLS_CA"),
    ("the server demands a client certificate and none is configured", "TEMPORAL_TLS_CERT"),
    ("the private key '/k' does not belong to '/c'", "TEMPORAL_TLS_KEY"),
    ("the server does not offer HTTP/2 (alert 120)", "TEMPORAL_ADDRESS"),
    ("the server does not speak TLS on this port", "TEMPORAL_TLS"),
    ("no connection to localhost:7233 (connection refused)", "TEMPORAL_ADDRESS"),
    ("Namespace x is not found.", "TEMPORAL_NAMESPACE"),
    ("something else altogether", nil),
  ])
  func causesPointToSettings(text: String, setting: String?) {
    let settings = ConnectionAdvice.settings(text, isCredentialRefused: false)
    if let setting { #expect(settings.contains(setting)) } else { #expect(settings.isEmpty) }
  }

  @Test func aRefusedCredentialPointsToTheKey() {
    #expect(ConnectionAdvice.settings("no", isCredentialRefused: true).contains("TEMPORAL_API_KEY"))
  }
}
