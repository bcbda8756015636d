internal import CCurl

/// Why there is no complete answer: what whoever asked makes its own error from.
package struct TransferFailure: Error, Sendable {
  package enum Cause: Sendable {
    /// The body is longer than `bodyLimit`.
    case tooLong
    /// libcurl did not take over the TLS settings.
    case policyNotTaken
    /// The egress list does not admit the host or any of its addresses; `text` is its reason.
    case egressRefused
    /// `text` says why.
    case proxyCredentialsUnreadable
    /// `isCancelled` said so.
    case cancelled
    case hostNotResolved, proxyNotResolved, notConnected, timedOut
    /// The peer's certificate was judged, and is not good.
    case certificateRefused
    /// TLS failed, for a certificate if `verification` says so.
    case tlsFailed
    /// No memory, or an option that libcurl does not take.
    case notPrepared
    /// What the server sends is no HTTP.
    case notHTTP
    case sendFailed, receiveFailed
    case other
  }

  package let cause: Cause
  /// libcurl's words; they name hosts and protocol errors, never what was sent.
  package let text: String
  /// Whether there was a connection.
  package var isConnected = false
  /// Whether TLS with the proxy was begun and TLS with the server was not: what failed is the proxy's.
  package var isAboutProxy = false
  /// OpenSSL's verdict on the server's certificate (`X509_V_ERR_…`); 0: none.
  package var verification = 0
  /// The status of the proxy's answer to CONNECT; 0: none.
  package var proxyStatus = 0
}

extension TransferFailure.Cause {
  init(_ code: CURLcode) {
    self =
      switch code {
      case CURLE_ABORTED_BY_CALLBACK: .cancelled
      case CURLE_COULDNT_RESOLVE_HOST: .hostNotResolved
      case CURLE_COULDNT_RESOLVE_PROXY: .proxyNotResolved
      case CURLE_COULDNT_CONNECT: .notConnected
      case CURLE_OPERATION_TIMEDOUT: .timedOut
      case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR: .certificateRefused
      case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED: .tlsFailed
      case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_NOT_BUILT_IN, CURLE_UNKNOWN_OPTION: .notPrepared
      case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY: .notHTTP
      case CURLE_SEND_ERROR: .sendFailed
      case CURLE_RECV_ERROR: .receiveFailed
      default: .other
      }
  }
}
