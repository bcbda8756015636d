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
    let tls = try configuration.url.isSecure ? makeTLS(configuration.tls, "\(configuration.url)") : nil
    let proxyTLS = try configuration.proxy?.tls.map { (proxy) throws(OAuthError) in
      try makeTLS(proxy, "the proxy \(configuration.proxy?.description ?? "")")
    }
    var authorization: SharedSecret?
    if case .basic = configuration.authentication, let proof {
      authorization = TokenRequestBody.basic(identifier: configuration.clientIdentifier, secret: proof)
    }
    let body = TokenRequestBody.form(fields(proof: proof))
    let post = try HTTPPost(configuration, body: body, tls: tls, proxyTLS: proxyTLS)
    defer { post.wipe() }
    return try read(try post.perform(authorization: authorization), sent: [proof, authorization])
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

  private func read(_ answer: HTTPPost.Answer, sent: [SharedSecret?]) throws(OAuthError) -> TokenGrant {
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
