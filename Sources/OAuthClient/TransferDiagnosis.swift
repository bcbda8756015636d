internal import CurlTransfer
internal import Egress
internal import TLSClient

/// Why a token request came to nothing: the transfer's failure turned into a cause and what to do about it.
struct TransferDiagnosis {
  let failure: TransferFailure
  let configuration: TokenEndpointConfiguration

  private var url: TokenURL { configuration.url }
  private var proxy: String { configuration.proxy?.description ?? "" }
  private var text: String { failure.text }

  /// The error for it.
  var error: OAuthError {
    switch failure.cause {
    case .tooLong:
      return OAuthError(
        .responseInvalid,
        "the answer of \(url) is longer than \(TokenResponse.Limits.body) bytes: is this the token endpoint?")
    case .policyNotTaken:
      return OAuthError(.misconfigured, "libcurl did not take over the TLS settings for \(url)")
    case .egressRefused: return OAuthError(.egressRefused, "\(url) may not be dialed: \(text)")
    case .proxyCredentialsUnreadable:
      return OAuthError(.fileUnusable, "the credentials for the proxy to \(url) cannot be read: \(text)")
    case .hostNotResolved:
      return OAuthError(
        .nameNotResolved, "the name '\(url.host)' of the token endpoint has no address (\(text)): check name and DNS")
    case .proxyNotResolved:
      return OAuthError(.proxyFailed, "the proxy \(proxy) for \(url) has no address (\(text)): check its name")
    case .timedOut: return timedOut
    case .notConnected: return notConnected
    case .certificateRefused: return failure.isAboutProxy ? proxyUntrusted : untrusted
    case .tlsFailed:
      if failure.isAboutProxy { return proxyUntrusted }
      // 1 is OpenSSL's "unspecified": no certificate was looked at.
      return failure.verification <= 1 ? OAuthError(.tlsFailed, "no TLS with \(url): \(text)\(tlsHint)") : untrusted
    case .notPrepared:
      return OAuthError(.exhausted, "libcurl could not prepare the request to \(url) (\(text))")
    case .notHTTP:
      return OAuthError(.responseInvalid, "\(url) does not answer in HTTP (\(text)): check host, port and scheme")
    case .sendFailed, .receiveFailed, .cancelled, .other: return broken
    }
  }

  private var broken: OAuthError {
    if failure.proxyStatus >= 300 { return proxyRefused }
    if failure.cause == .receiveFailed && text.contains("alert") {
      // In TLS 1.3 the server judges the client's certificate after the handshake.
      return OAuthError(.tlsFailed, "\(url) broke TLS off: \(text)\(tlsHint)")
    }
    // A TLS 1.3 server that refuses the client closes after the handshake, and the alert is lost when our request crosses it.
    let hint =
      url.isSecure && failure.cause == .sendFailed ? ": it may demand a client certificate, or refuse ours" : ""
    return OAuthError(
      .connectionLost, "the connection to \(url) broke before the answer was complete: \(text)\(hint)")
  }

  private var timedOut: OAuthError {
    let seconds = configuration.timeout.components.seconds
    let what = failure.isConnected ? "gave no complete answer" : "could not be connected"
    return OAuthError(.timedOut, "\(url) \(what) within \(seconds) s (\(text))")
  }

  private var notConnected: OAuthError {
    guard configuration.proxy != nil else {
      return OAuthError(
        .connectFailed, "no connection to \(url): \(text): check host, port and the network policy for it")
    }
    return OAuthError(.proxyFailed, "no connection to the proxy \(proxy) for \(url): \(text)")
  }

  private var proxyRefused: OAuthError {
    let advice =
      failure.proxyStatus == 407 ? "check the proxy's user and password" : "have it admit \(url.host):\(url.port)"
    return OAuthError(
      .proxyFailed, "the proxy \(proxy) does not open a tunnel to \(url) (HTTP \(failure.proxyStatus)): \(advice)")
  }

  private var proxyUntrusted: OAuthError {
    OAuthError(
      .proxyFailed,
      "no TLS with the proxy \(proxy) for \(url): \(text): its certificate must come from an authority that is trusted "
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
      switch configuration.tls.trust {
      case .file(let path): "the authorities in '\(path)'"
      default: "the system's authorities"
      }
    switch failure.verification {
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
