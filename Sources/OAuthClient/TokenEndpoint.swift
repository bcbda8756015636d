internal import CurlTransfer
internal import Egress
internal import GRPCClient
internal import Secrets
internal import Synchronization
internal import TLSClient

/// A token endpoint on the network (RFC 6749 §3.2), asked with libcurl on the caller's thread.
///
/// Secret, assertion, authorities and certificate are read anew for every request, so that a replacement is used from
/// the next one on. No redirects, no cookies, no `.netrc`, no proxy of the environment, no connection is kept.
package final class TokenEndpoint: TokenIssuer {
  private let configuration: TokenEndpointConfiguration
  /// What proved the client's identity in the latest request.
  private let lastSent = Mutex<SharedSecret?>(nil)

  /// Reads and dials nothing yet.
  package init(_ configuration: TokenEndpointConfiguration) { self.configuration = configuration }

  package func grant() -> Result<TokenGrant, OAuthError> {
    Result { () throws(OAuthError) in
      do throws(OAuthError) {
        return try ask()
      } catch {
        // A secret that was replaced while the request was under way deserves a second attempt at once.
        guard error.code == .clientRefused, hasNewCredentials() else { throw error }
        return try ask()
      }
    }
  }

  package func hasNewCredentials() -> Bool {
    guard let now = try? configuration.authentication.current() else { return false }
    return lastSent.withLock { last in last.map { !$0.matches(now) } ?? true }
  }

  private func ask() throws(OAuthError) -> TokenGrant {
    let proof = try readProof()
    remember(proof)
    let request = try request(proof)
    let transfer = Transfer(request)
    defer { transfer.wipe() }
    return try read(try perform(transfer), sent: [proof, request.authorization])
  }

  private func request(_ proof: SharedSecret?) throws(OAuthError) -> TransferRequest {
    let url = configuration.url
    var request = TransferRequest(
      url: SharedSecret(copying: url.text.utf8), address: url.address, bodyLimit: TokenResponse.Limits.body)
    if url.isSecure { request.tls = try makeTLS(configuration.tls, "\(url)") }
    if let proxy = configuration.proxy, let tls = proxy.tls {
      request.proxyTLS = try makeTLS(tls, "the proxy \(proxy)")
    }
    if case .basic = configuration.authentication, let proof {
      request.authorization = TokenRequestBody.basic(identifier: configuration.clientIdentifier, secret: proof)
    }
    request.form = TokenRequestBody.form(fields(proof: proof))
    // An empty `Expect` keeps libcurl from asking for leave to send the form.
    request.headers = ["Accept: application/json", "Content-Type: application/x-www-form-urlencoded", "Expect:"]
    request.isAnswerSecret = true
    request.isLoopbackOnly = !url.isSecure
    request.egress = configuration.egress
    request.proxy = configuration.proxy
    request.connectTimeout = configuration.connectTimeout
    request.timeout = configuration.timeout
    request.userAgent = configuration.userAgent
    return request
  }

  private func perform(_ transfer: Transfer) throws(OAuthError) -> TransferAnswer {
    do throws(TransferFailure) {
      return try transfer.perform()
    } catch {
      throw TransferDiagnosis(failure: error, configuration: configuration).error
    }
  }

  /// Keeps what is sent, for comparison, and out of the log.
  private func remember(_ proof: SharedSecret?) {
    lastSent.withLock { last in
      if let last, let proof, last.matches(proof) { return }
      if let last { Redactor.process.forget(last) }
      if let proof { Redactor.process.register(proof) }
      last = proof
    }
  }

  private func read(_ answer: TransferAnswer, sent: [SharedSecret?]) throws(OAuthError) -> TokenGrant {
    let redactor = Redactor()
    for secret in sent { if let secret { redactor.register(secret) } }
    let response = TokenResponse(
      status: answer.status, body: answer.body, contentType: answer.contentType, retryAfter: answer.retryAfter,
      serverTime: answer.serverTime)
    return try response.grant(
      configuration.field, endpoint: configuration.url.description, wallTime: WallClock.now(), redactor: redactor)
  }

  private func fields(proof: SharedSecret?) -> [(name: String, value: TokenRequestBody.Value)] {
    var fields: [(name: String, value: TokenRequestBody.Value)] = [("grant_type", .text("client_credentials"))]
    if let scope = configuration.scope { fields.append(("scope", .text(scope))) }
    if let audience = configuration.audience { fields.append(("audience", .text(audience))) }
    switch configuration.authentication {
    case .basic: break
    case .certificate: fields.append(("client_id", .text(configuration.clientIdentifier)))
    case .post:
      fields.append(("client_id", .text(configuration.clientIdentifier)))
      if let proof { fields.append(("client_secret", .secret(proof))) }
    case .assertion:
      // RFC 7521 §4.2: the identifier is optional beside an assertion, which names the client itself.
      if !configuration.clientIdentifier.isEmpty { fields.append(("client_id", .text(configuration.clientIdentifier))) }
      fields.append(("client_assertion_type", .text(TokenRequestBody.assertionType)))
      if let proof { fields.append(("client_assertion", .secret(proof))) }
    }
    return fields
  }

  private func readProof() throws(OAuthError) -> SharedSecret? {
    do throws(SecretError) {
      return try configuration.authentication.current()
    } catch {
      // So that the file counts as new once it is back.
      lastSent.withLock { $0 = nil }
      throw OAuthError(.fileUnusable, "the credentials for \(configuration.url) cannot be read: \(error)")
    }
  }

  private func makeTLS(_ tls: TLSConfiguration, _ peer: String) throws(OAuthError) -> TLSContext {
    do throws(TLSError) {
      return try TLSContext.make(from: try TLSMaterial.read(tls))
    } catch {
      throw OAuthError(.fileUnusable, "TLS with \(peer) cannot be set up: \(error.message)")
    }
  }
}
