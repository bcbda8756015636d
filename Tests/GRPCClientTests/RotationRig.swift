import Foundation
import GRPCClient
import TLSClient
import TestSupport
import Testing

/// A channel through a gateway that writes down serial numbers, its identity in a mount that can be swapped.
struct RotationRig {
  let server: TemporalServer
  let certificates: TestCertificates
  let gateway: Gateway
  let mount: SecretMount
  let channel: GRPCChannel

  /// Starts the gateway and makes the channel; it connects with the first call.
  init(
    _ kind: Gateway.Kind, _ first: ClientPairs.Pair, change: (inout ChannelConfiguration) -> Void = { _ in }
  ) throws {
    server = try TemporalServer.shared()
    certificates = try TestCertificates.shared()
    gateway = try Gateway.witness(kind, backend: server.port, certificates: certificates)
    mount = try SecretMount(try Self.files(first, certificates))
    channel = try Self.channel(port: gateway.port, folder: mount.path, change: change)
  }

  /// A channel whose files lie in a folder.
  static func channel(
    port: Int, folder: String, change: (inout ChannelConfiguration) -> Void = { _ in }
  ) throws -> GRPCChannel {
    try Scheduler.channel(
      port: port, host: "localhost",
      tls: TLSConfiguration(
        trust: .file(folder + "/ca.crt"),
        clientIdentity: .init(certificateFile: folder + "/tls.crt", keyFile: folder + "/tls.key"))
    ) { configuration in
      configuration.probePath = Scheduler.systemInfo
      change(&configuration)
    }
  }

  /// The files of a mount with this pair.
  static func files(_ pair: ClientPairs.Pair, _ certificates: TestCertificates) throws -> [String: String] {
    [
      "tls.crt": pair.certificate, "tls.key": pair.key,
      "ca.crt": try String(contentsOfFile: certificates.authority, encoding: .utf8),
    ]
  }

  /// Swaps the pair as the kubelet does.
  func swap(_ pair: ClientPairs.Pair) throws { try mount.swap(try Self.files(pair, certificates)) }

  /// Waits until something is so.
  static func until(
    _ what: String, seconds: Double = 30, _ condition: () -> Bool, location: SourceLocation = #_sourceLocation
  ) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while !condition() {
      guard ContinuousClock.now < end else {
        Issue.record("not within \(seconds) s: \(what)", sourceLocation: location)
        return
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  /// Waits for a number of adoptions.
  func generation(_ number: Int, seconds: Double = 30, location: SourceLocation = #_sourceLocation) async throws {
    try await Self.until(
      "generation \(number)", seconds: seconds, { channel.state.credentialGeneration == number }, location: location)
  }

  /// Ends channel and gateway.
  func end() async {
    await channel.shutdown(grace: .seconds(1))
    gateway.peer.stop()
  }
}

/// Makes calls at a pace until told to stop, and keeps what went wrong.
final class SteadyCalls: Sendable {
  private let task: Task<(count: Int, longest: Duration, errors: [String]), Never>
  private let stopping = StopFlag()

  /// Begins; each call waits for the one before it and a pause.
  init(_ channel: GRPCChannel, pause: Duration = .milliseconds(10)) {
    task = Task { [stopping] in
      var (count, longest, errors): (Int, Duration, [String]) = (0, .zero, [])
      let clock = ContinuousClock()
      while !stopping.isSet {
        let begun = clock.now
        do {
          _ = try await channel.call(SchedulerCalls.systemInfo)
          count += 1
        } catch {
          errors.append("\(error)")
        }
        longest = max(longest, clock.now - begun)
        try? await Task.sleep(for: pause)
      }
      return (count, longest, errors)
    }
  }

  /// Stops and answers how many calls there were, the longest time of one, and the errors.
  func stop() async -> (count: Int, longest: Duration, errors: [String]) {
    stopping.set()
    return await task.value
  }
}

/// Set once, read anywhere.
final class StopFlag: @unchecked Sendable {
  // Sendable: the flag is only touched under the lock.
  private let lock = NSLock()
  private var flag = false

  var isSet: Bool { lock.withLock { flag } }
  func set() { lock.withLock { flag = true } }
}
