import Synchronization

/// Keeps a number of calls under way, and tells what they cost.
package struct Load: Sendable {
  /// A response that is not as long as the plan says.
  package struct WrongResponse: Error {
    let count: Int
  }

  /// What the lanes are to do now.
  private enum Phase { static let warmUp = 0, measure = 1, stop = 2 }

  private final class Shared: Sendable {
    let phase = Atomic(Phase.warmUp)
    let calls = Atomic(0)
  }

  private let plan: LoadPlan

  package init(_ plan: LoadPlan) { self.plan = plan }

  /// Runs the plan and prints its result as one line of JSON.
  ///
  /// - Parameter call: sends the message to the plan's method and returns the response's length. Called by as many tasks at
  ///   once as the plan says, each waiting for one call before it makes the next.
  package func run(_ call: @escaping @Sendable ([UInt8]) async throws -> Int) async throws {
    let shared = Shared()
    // One for all lanes: what is measured is what the transport holds, not its callers.
    let message = [UInt8](repeating: 0x5a, count: plan.messageBytes)
    try await withThrowingTaskGroup(of: LatencyHistogram.self) { group in
      for _ in 0..<plan.inFlight {
        group.addTask { try await lane(shared, message, call) }
      }
      try await Task.sleep(for: .seconds(plan.warmUp))
      let (before, callsBefore) = (ProcessReading.now(), shared.calls.load(ordering: .relaxed))
      shared.phase.store(Phase.measure, ordering: .relaxed)
      try await Task.sleep(for: .seconds(plan.seconds))
      let (after, callsAfter) = (ProcessReading.now(), shared.calls.load(ordering: .relaxed))
      let privateBytes = ProcessReading.bytes(of: "RssAnon")
      shared.phase.store(Phase.stop, ordering: .relaxed)
      var latencies = LatencyHistogram()
      for try await lane in group { latencies.merge(lane) }
      printResult(calls: callsAfter - callsBefore, from: before, to: after, privateBytes: privateBytes, latencies)
    }
  }

  private func lane(
    _ shared: Shared, _ message: [UInt8], _ call: @Sendable ([UInt8]) async throws -> Int
  ) async throws -> LatencyHistogram {
    var latencies = LatencyHistogram()
    while true {
      let phase = shared.phase.load(ordering: .relaxed)
      if phase == Phase.stop { return latencies }
      let begun = ProcessReading.monotonicNanoseconds()
      let count = try await call(message)
      guard count == plan.messageBytes else { throw WrongResponse(count: count) }
      if phase == Phase.measure { latencies.record(nanoseconds: ProcessReading.monotonicNanoseconds() - begun) }
      shared.calls.wrappingAdd(1, ordering: .relaxed)
    }
  }

  private func printResult(
    calls: Int, from before: ProcessReading, to after: ProcessReading, privateBytes: Int, _ latencies: LatencyHistogram
  ) {
    print(
      "{\"calls\": \(calls), \"seconds\": \(after.time - before.time),"
        + " \"processor\": \(after.processor - before.processor),"
        + " \"p50\": \(latencies.seconds(at: 0.5)), \"p99\": \(latencies.seconds(at: 0.99)),"
        + " \"resident\": \(ProcessReading.bytes(of: "VmHWM")), \"private\": \(privateBytes)}")
  }
}
