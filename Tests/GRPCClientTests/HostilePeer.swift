import Foundation
import GRPCClient
import TestSupport
import Testing

/// What the tests with scripted peers share.
enum HostilePeer {
  /// A call that has time.
  static let call = GRPCCall(path: "/a.B/C", message: [1, 2, 3], timeout: .seconds(60))

  /// A whole good answer.
  static func answer(_ stream: Int32, _ message: [UInt8] = [42]) -> [UInt8] {
    RawFrame.grpcHead(stream) + RawFrame.data(stream, RawFrame.grpcMessage(message)) + RawFrame.grpcTrailers(stream)
  }

  /// Answers every request on a connection until the client leaves.
  static func serve(_ connection: RawConnection) throws {
    while true { try connection.write(answer(try connection.next(1).stream)) }
  }

  /// The error of a call to a server that greets, reads the request and then does as `attack` says.
  static func outcome(
    settings: [(UInt16, UInt32)] = [], timeout: Duration = .seconds(60),
    change: (inout ChannelConfiguration) -> Void = { _ in },
    of attack: @escaping @Sendable (RawConnection, Int32) throws -> Void
  ) async throws -> (error: GRPCError, state: ChannelState) {
    let server = try RawServer { connection in
      try connection.greet(settings: settings)
      let stream = try connection.next(1).stream
      try attack(connection, stream)
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port, change: change)
    var call = call
    call.timeout = timeout
    let error = try await Scheduler.failure(of: channel, call)
    let state = channel.state
    await channel.shutdown(grace: .zero)
    return (error, state)
  }
}

/// Values that a peer's thread leaves for the test.
final class Witness<Value: Sendable>: @unchecked Sendable {
  // Sendable: the values are only touched under the lock.
  private let lock = NSLock()
  private var seen: [Value] = []

  var values: [Value] { lock.withLock { seen } }
  var count: Int { values.count }

  @discardableResult
  func saw(_ value: Value) -> Int {
    lock.withLock {
      seen.append(value)
      return seen.count
    }
  }

  /// Waits until so many values are there; a test that waits in vain fails by its own expectations.
  func wait(for count: Int, seconds: Double = 20) async throws {
    let end = Date().addingTimeInterval(seconds)
    while self.count < count, Date() < end { try await Task.sleep(for: .milliseconds(10)) }
  }
}

/// Waits until a condition holds, up to a limit that is generous on a busy machine.
func eventually(seconds: Double = 30, _ condition: () -> Bool) async throws {
  let end = Date().addingTimeInterval(seconds)
  while !condition(), Date() < end { try await Task.sleep(for: .milliseconds(10)) }
  #expect(condition())
}
