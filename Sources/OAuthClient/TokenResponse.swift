internal import PlainData
internal import Secrets

/// An answer of the token endpoint, read and judged (RFC 6749 §5). No input or output.
struct TokenResponse {
  /// Bounds on what an endpoint may send.
  enum Limits {
    /// Bytes of the body.
    static let body = 64 << 10
    /// Characters of the endpoint's own words that are shown.
    static let words = 200
    /// Bytes of a token; a gRPC header may have no longer value.
    static let token = 8_192
    /// The longest lifetime that is believed: ten years.
    static let lifetime = 315_360_000
  }

  /// The status of HTTP.
  var status: Int
  /// The body, at most `Limits.body` bytes.
  var body: [UInt8]
  /// The value of Content-Type, if there is one.
  var contentType: String?
  /// What Retry-After asks for.
  var retryAfter: Duration?
  /// When the endpoint answered by its own clock (Date): seconds since 1970; nil when it does not say.
  var serverTime: Int?

  init(
    status: Int, body: [UInt8], contentType: String? = nil, retryAfter: Duration? = nil, serverTime: Int? = nil
  ) {
    self.status = status
    self.body = body
    self.contentType = contentType
    self.retryAfter = retryAfter
    self.serverTime = serverTime
  }

  /// The token, or why there is none.
  ///
  /// - Parameters:
  ///   - field: the member that holds the token.
  ///   - endpoint: names the endpoint in errors.
  ///   - wallTime: now, in seconds since 1970; stands in for the endpoint's own clock when that is not told.
  ///   - redactor: knows what the client has sent, so that an endpoint that repeats it cannot bring it into a log.
  func grant(
    _ field: TokenField, endpoint: String, wallTime: Int, redactor: Redactor
  ) throws(OAuthError) -> TokenGrant {
    guard status == 200 || status == 201 else { throw refusal(endpoint: endpoint, redactor: redactor) }
    let members = try object(endpoint: endpoint)
    if let error = members["error"]?.stringValue {
      throw refused(error, members, endpoint: endpoint, redactor: redactor)
    }
    guard let type = members["token_type"]?.stringValue else {
      throw OAuthError(.tokenTypeUnsupported, "\(endpoint) does not say what type its token has: it must be Bearer")
    }
    guard type.lowercased() == "bearer" else {
      throw OAuthError(
        .tokenTypeUnsupported,
        "\(endpoint) grants tokens of type '\(Self.shown(type, redactor))': only Bearer can be sent to the scheduler")
    }
    guard let text = members[field.rawValue]?.stringValue, !text.isEmpty else {
      let other = field == .accessToken ? TokenField.identityToken : .accessToken
      let hint = members[other.rawValue]?.stringValue == nil ? "" : ", though there is an \(other.rawValue)"
      throw OAuthError(.responseInvalid, "the answer of \(endpoint) has no \(field.rawValue)\(hint)")
    }
    guard text.utf8.count <= Limits.token, text.utf8.allSatisfy({ (33..<127).contains($0) }) else {
      throw OAuthError(
        .responseInvalid,
        "the \(field.rawValue) of \(endpoint) is longer than \(Limits.token) bytes or holds characters that no token has"
      )
    }
    return TokenGrant(
      token: SharedSecret(copying: text.utf8), lifetime: Self.lifetime(members, answeredAt: serverTime ?? wallTime))
  }

  /// `expires_in`, or what `expires_at` leaves from the time of the answer; nil when neither makes sense.
  private static func lifetime(_ members: PlainValue, answeredAt: Int) -> Duration? {
    if let seconds = number(members["expires_in"]), (1...Limits.lifetime).contains(seconds) { return .seconds(seconds) }
    guard let end = number(members["expires_at"]) else { return nil }
    let (seconds, overflow) = end.subtractingReportingOverflow(answeredAt)
    return !overflow && (1...Limits.lifetime).contains(seconds) ? .seconds(seconds) : nil
  }

  /// A whole number, also one written as text or with a fraction.
  private static func number(_ value: PlainValue?) -> Int? {
    switch value {
    case .int(let number): number
    case .double(let number): Int(exactly: number.rounded(.down))
    case .string(let text): Int(text) ?? Double(text).flatMap { Int(exactly: $0.rounded(.down)) }
    default: nil
    }
  }

  private func object(endpoint: String) throws(OAuthError) -> PlainValue {
    let value: PlainValue
    do throws(JSONError) {
      value = try PlainValue(json: body, limits: JSONLimits(bytes: Limits.body, depth: 16))
    } catch {
      // The parser's message may quote the body: only the place is repeated.
      let kind = contentType.map { " but \(Self.shown($0, Redactor()))" } ?? ""
      throw OAuthError(
        .responseInvalid,
        "the answer of \(endpoint) is not JSON\(kind) (fault at byte \(error.offset)): is this the token endpoint?")
    }
    guard case .object = value else {
      throw OAuthError(.responseInvalid, "the answer of \(endpoint) is \(value.kindName), not an object with a token")
    }
    return value
  }

  // MARK: Refusals

  private func refusal(endpoint: String, redactor: Redactor) -> OAuthError {
    if status == 429 {
      return OAuthError(
        .throttled, "\(endpoint) says that there are too many requests (HTTP 429)", retryAfter: retryAfter)
    }
    if status >= 500 || status == 408 || status == 425 {
      return OAuthError(.serverFailed, "\(endpoint) cannot answer now (HTTP \(status))", retryAfter: retryAfter)
    }
    if (300..<400).contains(status) {
      return OAuthError(
        .unexpectedStatus,
        "\(endpoint) answers with a redirect (HTTP \(status)), which is never followed: give the final address")
    }
    if (400...403).contains(status) {
      let members = (try? object(endpoint: endpoint)) ?? .null
      return refused(members["error"]?.stringValue, members, endpoint: endpoint, redactor: redactor)
    }
    return OAuthError(
      .unexpectedStatus, "\(endpoint) answers with HTTP \(status): check host and path, it may be no token endpoint")
  }

  /// The endpoint's reason in our words, then in its own.
  private func refused(
    _ error: String?, _ members: PlainValue, endpoint: String, redactor: Redactor
  ) -> OAuthError {
    let name = error.map { ", \(Self.shown($0, redactor))" } ?? ""
    let words = members["error_description"]?.stringValue.map { ": “\(Self.shown($0, redactor))”" } ?? ""
    let told = "(HTTP \(status)\(name))\(words)"
    switch error {
    case "invalid_client":
      return OAuthError(
        .clientRefused, "\(endpoint) refuses this client \(told): check its id, its secret and how it is to be sent")
    case "temporarily_unavailable", "server_error", "slow_down":
      return OAuthError(.serverFailed, "\(endpoint) cannot answer now \(told)", retryAfter: retryAfter)
    case "invalid_scope":
      return OAuthError(.grantRefused, "\(endpoint) does not grant the scope asked for \(told): correct the scope")
    case "invalid_target":
      return OAuthError(.grantRefused, "\(endpoint) does not know the audience asked for \(told): correct it")
    case "unauthorized_client", "unsupported_grant_type", "access_denied":
      return OAuthError(
        .grantRefused,
        "\(endpoint) does not let this client use client credentials \(told): have its operator allow that grant")
    case nil where status == 401:
      return OAuthError(
        .clientRefused, "\(endpoint) refuses this client \(told): check its id, its secret and how it is to be sent")
    default:
      return OAuthError(
        .grantRefused, "\(endpoint) refuses to grant a token \(told): check client, scope and audience")
    }
  }

  /// A peer's words for a message: printable ASCII, short, without what this client has sent.
  static func shown(_ text: String, _ redactor: Redactor) -> String {
    let redacted = redactor.redact(String(text.prefix(4_096)))
    let printable = redacted.unicodeScalars.prefix(Limits.words).map { scalar in
      (32..<127).contains(scalar.value) && scalar != "\"" ? Character(scalar) : "?"
    }
    return String(printable) + (redacted.unicodeScalars.count > Limits.words ? "…" : "")
  }
}
