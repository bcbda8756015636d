package import Secrets

/// Where the value of `authorization` comes from.
///
/// The channel asks for it once for each call, before the call is sent. When the server answers UNAUTHENTICATED it asks
/// for a replacement and, if there is one, sends the call again at once, one time. What happens after that is the
/// caller's affair: the worker's polls back off from 1 s to 60 s and go on for ever. A source bounds its own waiting.
package protocol AuthorizationSource: Sendable {
  /// The whole value of the header (`Bearer …`) as of now. May suspend, never blocks the caller's thread.
  func current() async throws(GRPCError) -> SharedSecret
  /// The server refused `refused`: another value if there is one now (read or fetched anew, one at a time), else nil.
  func replacement(for refused: SharedSecret) async throws(GRPCError) -> SharedSecret?
}

/// An API key that was given once and never changes.
package struct FixedAuthorization: AuthorizationSource {
  private let key: SharedSecret

  /// Takes the key without `Bearer`.
  package init(key: SharedSecret) { self.key = key }

  package func current() async throws(GRPCError) -> SharedSecret {
    guard let value = BearerKey.authorization(key) else {
      throw GRPCError(
        .failedPrecondition, "no API key", mayHaveReachedServer: false, cause: BearerKey.fault(in: "the API key"))
    }
    return value
  }

  package func replacement(for refused: SharedSecret) async throws(GRPCError) -> SharedSecret? { nil }
}
