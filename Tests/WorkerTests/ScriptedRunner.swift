import Foundation
import OrderedCollections
import PlainData
import Synchronization

@testable import Worker

/// A runner by script: nodes sleep, fail or succeed as a test says; nothing is executed.
final class ScriptedRunner: ProjectRunner {
  /// What a node does at an attempt, counted from 1; returns its message.
  typealias Behaviour = @Sendable (_ attempt: Int, _ stop: StopRequest) throws -> String

  let plan: DBTRunPlan
  private let behaviours: [String: Behaviour]
  /// Attempts begun and ended, by node.
  private let counts = Mutex<[String: Int]>([:])
  private let stopped = Mutex<[String]>([])

  init(_ plan: DBTRunPlan, _ behaviours: [String: Behaviour] = [:]) {
    self.plan = plan
    self.behaviours = behaviours
  }

  func attempts(_ node: String) -> Int { counts.withLock { $0[node] ?? 0 } }
  var stoppedNodes: [String] { stopped.withLock { $0 } }

  func plan(_ request: PlanActivityRequest, stop: StopRequest) throws -> DBTRunPlan { plan }

  func runHooks(_ request: HooksActivityRequest, stop: StopRequest) throws {}

  func executeNode(_ request: NodeActivityRequest, stop: StopRequest) throws -> PlainValue {
    let node = request.uniqueID
    let attempt = counts.withLock { counts in
      counts[node, default: 0] += 1
      return counts[node] ?? 0
    }
    var message = "SELECT 1"
    if let behaviour = behaviours[node] {
      do {
        message = try behaviour(attempt, stop)
      } catch RunnerError.stopped {
        stopped.withLock { $0.append(node) }
        throw RunnerError.stopped
      }
    }
    return [
      "unique_id": .string(node), "status": "success", "execution_time": 0.01, "message": .string(message),
      "adapter_response": ["code": "SELECT", "rows_affected": 1], "compiled_code": .string("select 1 as \(node)"),
      "timing": [], "failures": nil,
    ]
  }

  func storeArtifacts(_ request: ArtifactsActivityRequest, stop: StopRequest) throws -> PlainValue { nil }

  /// Works for a time, in small steps, and stops when asked.
  static func sleep(_ seconds: Double, _ stop: StopRequest) throws -> String {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      if stop.isRequested { throw RunnerError.stopped }
      usleep(10_000)
    }
    return "slept"
  }
}
