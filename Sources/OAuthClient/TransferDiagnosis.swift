internal import CCurl
internal import TLSClient

/// Why a transfer came to nothing: libcurl's code and words turned into a cause and what to do about it.
struct TransferDiagnosis {
  /// libcurl's verdict.
  let code: CURLcode
  /// libcurl's words; they name hosts and protocol errors, never what was sent.
  let text: String
  /// The endpoint.
  let url: TokenURL
  /// The proxy as `host:port`, if one was to be used.
  let proxy: String?
  /// Whether TLS with the proxy was begun and TLS with the endpoint was not: what failed is the proxy's.
  let isAboutProxy: Bool
  /// Whose authorities were trusted.
  let trust: TLSConfiguration.Trust
  /// The answer went over the limit.
  let isTooLong: Bool
  /// Our TLS policy could not be given to libcurl.
  let isPolicyFault: Bool
  /// Why addresses were not dialed.
  let refusals: [String]
  /// OpenSSL's verdict on the server's certificate (`X509_V_ERR_…`); 0: none.
  let verification: Int
  /// The status of the proxy's answer to CONNECT; 0: none.
  let proxyStatus: Int
  /// Whether there was a connection.
  let isConnected: Bool
  /// The time that the whole request had.
  let timeout: Duration

  /// The error for it.
  var error: OAuthError {
    if isTooLong {
      return OAuthError(
        .responseInvalid,
        "the answer of \(url) is longer than \(TokenResponse.Limits.body) bytes: is this the token endpoint?")
    }
    if isPolicyFault { return OAuthError(.misconfigured, "libcurl did not take over the TLS settings for \(url)") }
    if !isConnected, let refusal = refusals.first {
      return OAuthError(.egressRefused, "\(url) may not be dialed: \(refusal)")
    }
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST:
      return OAuthError(
        .nameNotResolved, "the name '\(url.host)' of the token endpoint has no address (\(text)): check name and DNS")
    case CURLE_COULDNT_RESOLVE_PROXY:
      return OAuthError(.proxyFailed, "the proxy \(proxy ?? "") for \(url) has no address (\(text)): check its name")
    case CURLE_OPERATION_TIMEDOUT: return timedOut
    case CURLE_COULDNT_CONNECT: return notConnected
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CONNECT_ERROR,
      CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED:
      if isAboutProxy { return proxyUntrusted }
    default: break
    }
    switch code {
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR: return untrusted
    case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED:
      // 1 is OpenSSL's "unspecified": no certificate was looked at.
      return verification <= 1 ? OAuthError(.tlsFailed, "no TLS with \(url): \(text)\(tlsHint)") : untrusted
    case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_NOT_BUILT_IN, CURLE_UNKNOWN_OPTION:
      return OAuthError(.exhausted, "libcurl could not prepare the request to \(url) (\(text))")
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
      return OAuthError(.responseInvalid, "\(url) does not answer in HTTP (\(text)): check host, port and scheme")
    default: break
    }
    if proxyStatus >= 300 { return proxyRefused }
    if code == CURLE_RECV_ERROR && text.contains("alert") {
      // In TLS 1.3 the server judges the client's certificate after the handshake.
      return OAuthError(.tlsFailed, "\(url) broke TLS off: \(text)\(tlsHint)")
    }
    // A TLS 1.3 server that refuses the client closes after the handshake, and the alert is lost when our request crosses it.
    let hint = url.isSecure && code == CURLE_SEND_ERROR ? ": it may demand a client certificate, or refuse ours" : ""
    return OAuthError(
      .connectionLost, "the connection to \(url) broke before the answer was complete: \(text)\(hint)")
  }

  private var timedOut: OAuthError {
    let seconds = timeout.components.seconds
    let what = isConnected ? "gave no complete answer" : "could not be connected"
    return OAuthError(.timedOut, "\(url) \(what) within \(seconds) s (\(text))")
  }

  private var notConnected: OAuthError {
    guard let proxy else {
      return OAuthError(
        .connectFailed, "no connection to \(url): \(text): check host, port and the network policy for it")
    }
    return OAuthError(.proxyFailed, "no connection to the proxy \(proxy) for \(url): \(text)")
  }

  private var proxyRefused: OAuthError {
    let advice = proxyStatus == 407 ? "check the proxy's user and password" : "have it admit \(url.host):\(url.port)"
    return OAuthError(
      .proxyFailed, "the proxy \(proxy ?? "") does not open a tunnel to \(url) (HTTP \(proxyStatus)): \(advice)")
  }

  private var proxyUntrusted: OAuthError {
    OAuthError(
      .proxyFailed,
      "no TLS with the proxy \(proxy ?? "") for \(url): \(text): its certificate must come from an authority that is trusted "
        + "for it and be for the name it is dialed by")
  }

  private var tlsHint: String {
    let text = text.lowercased()
    if text.contains("wrong version number") || text.contains("packet length") {
      return ": the port does not speak TLS; check host, port and scheme"
    }
    if text.contains("certificate required") || text.contains("alert handshake failure") {
      return ": it may demand a client certificate"
    }
    return ""
  }

  private var untrusted: OAuthError {
    let source =
      switch trust {
      case .file(let path): "the authorities in '\(path)'"
      default: "the system's authorities"
      }
    switch verification {
    case 18, 19, 20, 21, 2:
      return OAuthError(
        .tlsFailed,
        "the certificate of \(url) does not come from \(source) (\(text)): name the authority that issued it,"
          + " or have the server send its intermediate certificates")
    case 62, 64:
      return OAuthError(
        .tlsFailed, "the certificate of \(url) is not for '\(url.host)' (\(text)): dial one of the names it lists")
    case 9, 10:
      return OAuthError(
        .tlsFailed,
        "the certificate of \(url) is not valid now (\(text)): have it renewed, or check this machine's clock")
    default: return OAuthError(.tlsFailed, "the certificate of \(url) was rejected: \(text)")
    }
  }
}
