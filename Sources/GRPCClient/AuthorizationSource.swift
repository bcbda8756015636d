package import Secrets

/// Where the value of `authorization` comes from.
package protocol AuthorizationSource: Sendable {
  /// The whole value of the header (`Bearer …`) as of now. May suspend, never blocks the caller's thread.
  func current() async throws(GRPCError) -> SharedSecret
  /// The server refused `refused`: another value if there is one now (read or fetched anew, one at a time), else nil.
  func replacement(for refused: SharedSecret) async throws(GRPCError) -> SharedSecret?
}
