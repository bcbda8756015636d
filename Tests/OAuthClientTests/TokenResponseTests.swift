import Secrets
import Testing

@testable import OAuthClient

@Suite("Answers of a token endpoint")
struct TokenResponseTests {
  private func grant(
    _ body: String, status: Int = 200, field: TokenField = .accessToken, serverTime: Int? = nil, sent: String? = nil,
    contentType: String? = "application/json"
  ) throws(OAuthError) -> TokenGrant {
    let redactor = Redactor()
    if let sent { redactor.register(SharedSecret(copying: sent.utf8)) }
    return try TokenResponse(
      status: status, body: Array(body.utf8), contentType: contentType, retryAfter: .seconds(9), serverTime: serverTime
    ).grant(field, endpoint: "https://login.example/token", wallTime: 1_000_000, redactor: redactor)
  }

  private func failure(_ body: String, status: Int = 200, sent: String? = nil) -> OAuthError? {
    do throws(OAuthError) { _ = try grant(body, status: status, sent: sent) } catch { return error }
    return nil
  }

  @Test func tokensAreReadFromTheMemberAskedFor() throws {
    let body = #"{"access_token":"aaa","id_token":"iii","token_type":"bEaReR","expires_in":60,"scope":"x"}"#
    #expect(try grant(body).token.matches(SharedSecret(copying: "aaa".utf8)))
    #expect(try grant(body, field: .identityToken).token.matches(SharedSecret(copying: "iii".utf8)))
    #expect(try grant(body, status: 201).lifetime == .seconds(60))
  }

  /// What the endpoint says of the token's end → the lifetime that is believed.
  @Test(
    arguments: [
      (#""expires_in":3600"#, 3_600), (#""expires_in":"3600""#, 3_600), (#""expires_in":3599.9"#, 3_599),
      (#""expires_at":1000600"#, 600), (#""expires_at":"1000600.5""#, 600),
      (#""expires_in":60,"expires_at":1000600"#, 60),
      (#""expires_in":null,"expires_at":1000600"#, 600),
      (#""expires_in":0"#, nil), (#""expires_in":-5"#, nil), (#""expires_in":1e30"#, nil), (#""expires_in":true"#, nil),
      (#""expires_in":9223372036854775807"#, nil), (#""expires_at":-9223372036854775808"#, nil),
      (#""expires_at":999999"#, nil), (#""scope":"none""#, nil),
    ] as [(String, Int?)])
  func lifetimesAreReadOrNotBelieved(member: String, seconds: Int?) throws {
    let body = #"{"access_token":"a","token_type":"Bearer",\#(member)}"#
    #expect(try grant(body).lifetime == seconds.map { .seconds($0) })
  }

  @Test("A wrong clock here does not shorten a token whose end is told as a time")
  func clockSkew() throws {
    let body = #"{"access_token":"a","token_type":"Bearer","expires_at":5000600}"#
    #expect(try grant(body, serverTime: 5_000_000).lifetime == .seconds(600))
  }

  /// Status and body → the kind of error.
  @Test(arguments: [
    (400, #"{"error":"invalid_client"}"#, OAuthError.Code.clientRefused),
    (401, #"{"error":"invalid_client","error_description":"no such client"}"#, .clientRefused),
    (401, "", .clientRefused), (401, "<html>", .clientRefused),
    (400, #"{"error":"invalid_scope"}"#, .grantRefused), (400, #"{"error":"unauthorized_client"}"#, .grantRefused),
    (400, #"{"error":"invalid_target"}"#, .grantRefused), (400, "", .grantRefused), (403, "", .grantRefused),
    (400, #"{"error":"temporarily_unavailable"}"#, .serverFailed), (400, #"{"error":"slow_down"}"#, .serverFailed),
    (429, "", .throttled), (500, "", .serverFailed), (503, "<html>", .serverFailed), (599, "", .serverFailed),
    (408, "", .serverFailed), (301, "", .unexpectedStatus), (302, "", .unexpectedStatus), (404, "", .unexpectedStatus),
    (405, "", .unexpectedStatus), (204, "", .unexpectedStatus),
    (200, "", .responseInvalid), (200, "<html>", .responseInvalid), (200, "[]", .responseInvalid),
    (200, "{", .responseInvalid), (200, #"{"token_type":"Bearer"}"#, .responseInvalid),
    (200, #"{"token_type":"Bearer","access_token":""}"#, .responseInvalid),
    (200, #"{"token_type":"Bearer","access_token":7}"#, .responseInvalid),
    (200, #"{"token_type":"Bearer","id_token":"x"}"#, .responseInvalid),
    (200, #"{"token_type":"Bearer","access_token":"a b"}"#, .responseInvalid),
    (200, #"{"token_type":"Bearer","access_token":"a\r\nx: y"}"#, .responseInvalid),
    (200, #"{"token_type":"Bearer","access_token":"ä"}"#, .responseInvalid),
    (200, #"{"access_token":"a"}"#, .tokenTypeUnsupported),
    (200, #"{"access_token":"a","token_type":"DPoP"}"#, .tokenTypeUnsupported),
    (200, #"{"access_token":"a","token_type":"mac"}"#, .tokenTypeUnsupported),
    (200, #"{"error":"invalid_client"}"#, .clientRefused),
  ])
  func refusalsAreToldApart(status: Int, body: String, code: OAuthError.Code) throws {
    let error = try #require(failure(body, status: status))
    #expect(error.code == code, "\(error)")
    #expect(error.message.contains("https://login.example/token"))
    let mayWait = [OAuthError.Code.throttled, .serverFailed].contains(code)
    #expect(error.retryAfter == (mayWait ? .seconds(9) : nil))
  }

  @Test func depthAndLengthAreBounded() {
    let deep = String(repeating: "[", count: 60_000)
    #expect(failure(deep)?.code == .responseInvalid)
    let long = #"{"token_type":"Bearer","access_token":"\#(String(repeating: "x", count: 8_193))"}"#
    #expect(failure(long)?.code == .responseInvalid)
    #expect(failure(String(repeating: " ", count: 70_000))?.code == .responseInvalid)
  }

  @Test("The endpoint's own words are shown short, printable and without what was sent")
  func theEndpointsWordsAreShownSafely() throws {
    let words = #"bad secret canary-s3cret\u001b[31m “hm”\n"# + String(repeating: "z", count: 500)
    let error = try #require(
      failure(#"{"error":"invalid_client","error_description":"\#(words)"}"#, status: 401, sent: "canary-s3cret"))
    #expect(!error.message.contains("canary"))
    #expect(error.message.contains("bad secret *****?[31m"))
    #expect(error.message.count < 450)
    #expect(error.message.unicodeScalars.allSatisfy { $0.value >= 32 })
  }

  @Test("20 000 damaged answers end as a token that can be sent or as an error, never otherwise")
  func damagedAnswers() {
    let body = Array(#"{"access_token":"abc\u0041","token_type":"Bearer","expires_in":3600,"expires_at":1e9}"#.utf8)
    var random = SystemRandomNumberGenerator()
    var tokens = 0
    for _ in 0..<20_000 {
      var damaged = body
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: damaged.indices, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: damaged[place] = .random(in: 0...255, using: &random)
        case 1: damaged.remove(at: place)
        default: damaged.insert(damaged[place], at: place)
        }
      }
      let response = TokenResponse(status: 200, body: damaged)
      guard
        let grant = try? response.grant(.accessToken, endpoint: "x", wallTime: 1_000_000, redactor: Redactor())
      else { continue }
      tokens += 1
      #expect(grant.token.withBytes { $0.allSatisfy { (33..<127).contains($0) } } && !grant.token.isEmpty)
    }
    #expect(tokens > 0)
  }

  @Test func aBodyThatIsNoJSONIsNotQuoted() throws {
    let error = try #require(failure("access_token=canary-token&token_type=bearer"))
    #expect(!error.message.contains("canary"))
  }
}
