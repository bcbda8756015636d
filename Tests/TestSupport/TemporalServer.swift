import Foundation

/// A real Temporal development server on a free port, with its database in a file of its own.
package final class TemporalServer: Sendable {
  /// Where its gRPC listens, in plaintext, on this machine only.
  package let port: Int
  package let folder: TemporaryFolder
  private let peer: BackgroundPeer

  /// Starts the server and waits until it answers: it listens earlier, and refuses calls meanwhile.
  ///
  /// - Parameter dynamicConfiguration: `key=value` settings of the server.
  package init(dynamicConfiguration: [String] = []) throws {
    port = try LoopbackPort.free()
    folder = try TemporaryFolder("sallyport-temporal")
    var arguments = [
      "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", "\(port)", "--db-filename",
      folder.file("temporal.db"), "--log-level", "error",
    ]
    for setting in dynamicConfiguration { arguments += ["--dynamic-config-value", setting] }
    peer = try BackgroundPeer(try Self.program(), arguments, folder: folder.path)
    try peer.waitForPort(port, seconds: 60)
    try waitForNamespace(seconds: 60)
  }

  deinit { peer.stop() }

  /// Waits until the server describes its own namespace to the official command line.
  private func waitForNamespace(seconds: Double) throws {
    let end = Date().addingTimeInterval(seconds)
    repeat {
      let question = try BackgroundPeer(
        try Self.program(), ["operator", "namespace", "describe", "default", "--address", "127.0.0.1:\(port)"],
        folder: folder.path)
      if question.waitForEnd(seconds: end.timeIntervalSinceNow) == 0 { return }
    } while Date() < end && peer.isRunning
    throw PeerError("the Temporal server on port \(port) listens, but describes no namespace: \(peer.log)")
  }

  /// Stops the process without ending it, as a machine that hangs would; `resume` lets it go on.
  package func pause() { peer.signal(19) }

  /// Lets a paused server go on.
  package func resume() { peer.signal(18) }

  /// Ends the server.
  package func stop() { peer.stop() }

  /// The one server that the tests of this process share.
  package static func shared() throws -> TemporalServer { try sharedServer.get() }

  private static let sharedServer = Result { try TemporalServer() }

  /// The `temporal` program of the tests' virtual environment.
  package static func program() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let named = ProcessInfo.processInfo.environment["SALLYPORT_VENV"]
    let environment = named.flatMap { $0.isEmpty ? nil : $0 } ?? root.appendingPathComponent(".cache/venv").path
    let program = environment + "/bin/temporal"
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw PeerError("no Temporal server at \(program): run 'make setup', or set SALLYPORT_VENV")
    }
    return program
  }
}
