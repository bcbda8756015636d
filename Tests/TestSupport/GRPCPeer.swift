import Foundation

/// A grpcio server on a free port of this machine: `Peers/grpc_server.py`.
package final class GRPCPeer: Sendable {
  /// Where it listens, in plaintext.
  package let port: Int
  private let folder: TemporaryFolder
  private let peer: BackgroundPeer

  /// Starts the server and waits until it listens.
  package init() throws {
    port = try LoopbackPort.free()
    folder = try TemporaryFolder("sallyport-grpcio")
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "Peers/grpc_server.py")
    peer = try BackgroundPeer(try Self.python(), [script.path, "\(port)"], folder: folder.path)
    try peer.waitForPort(port, seconds: 120)
  }

  deinit { peer.stop() }

  /// The one server that the tests of this process share.
  package static func shared() throws -> GRPCPeer { try sharedPeer.get() }

  private static let sharedPeer = Result { try GRPCPeer() }

  /// The Python of the tests' virtual environment.
  private static func python() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let named = ProcessInfo.processInfo.environment["SALLYPORT_VENV"]
    let environment = named.flatMap { $0.isEmpty ? nil : $0 } ?? root.appendingPathComponent(".cache/venv").path
    let program = environment + "/bin/python"
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw PeerError("no Python at \(program): run 'make setup', or set SALLYPORT_VENV")
    }
    return program
  }
}
