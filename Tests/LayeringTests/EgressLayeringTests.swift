import Foundation
import Testing

/// Connections begin in few places, each of which asks the egress policy first.
@Suite struct EgressLayeringTests {
  /// A call that reaches out, and the files that may make it.
  static let calls: [(call: String, files: Set<String>)] = [
    // Where the policy stands before it: `Dial` and `DialRace`, `PostgresDestination`.
    ("getaddrinfo(", ["EventLoop/SocketAddress.swift", "PostgresClient/PostgresDestination.swift"]),
    ("CLinux.connect(", ["EventLoop/StreamSocket.swift"]),
    // The trial of what the kernel refuses goes around the policy on purpose, to this machine only, and sends nothing.
    ("Glibc.connect(", ["Worker/ConfinementTrial.swift"]),
    // The doctor shows what a name leads to, after asking.
    ("SocketAddress.resolve(", ["EventLoop/Dial.swift", "EventLoop/NameResolution.swift"]),
    ("NameResolution.addresses(", ["Worker/DoctorConnection.swift"]),
    ("curl_easy_perform(", ["CurlTransfer/Transfer.swift"]),
    ("StreamSocket(for:", ["EventLoop/Dial.swift"]),
    ("PQconnectStartParams(", ["PostgresClient/PostgresConnection.swift"]),
    ("PQconnectdb", []), ("PQsetdb", []), ("gethostbyname", []), ("URLSession", []), ("res_query", []),
  ]

  @Test func onlyTheDialersReachOut() throws {
    let sources = LayeringTests.root.appending(path: "Sources")
    var found: [String: Set<String>] = [:]
    let files = try #require(FileManager.default.enumerator(atPath: sources.path))
    for case let path as String in files where path.hasSuffix(".swift") {
      let text = try String(contentsOf: sources.appending(path: path), encoding: .utf8)
      for (call, _) in Self.calls where text.contains(call) { found[call, default: []].insert(path) }
    }
    for (call, allowed) in Self.calls {
      #expect(
        found[call, default: []] == allowed, "\(call) stands elsewhere: ask EgressPolicy there, then list the file")
    }
  }
}
