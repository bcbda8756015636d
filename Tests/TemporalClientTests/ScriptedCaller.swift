import GRPCClient
import Synchronization
import TemporalMessages

@testable import TemporalClient

/// Answers calls from a script and keeps what was sent.
final class ScriptedCaller: UnaryCaller {
  enum Step: Sendable {
    case answer([UInt8])
    case failure(GRPCError)
    /// Cancels the calling task, then fails as a channel does.
    case cancellation
  }

  private let state: Mutex<(steps: [Step], calls: [GRPCCall])>

  init(_ steps: [Step]) {
    state = Mutex((steps, []))
  }

  var calls: [GRPCCall] { state.withLock { $0.calls } }

  func call(_ call: GRPCCall) async throws(GRPCError) -> [UInt8] {
    let step = state.withLock { state in
      state.calls.append(call)
      return state.steps.isEmpty ? nil : state.steps.removeFirst()
    }
    switch step {
    case .answer(let bytes)?: return bytes
    case .failure(let error)?: throw error
    case .cancellation?:
      withUnsafeCurrentTask { $0?.cancel() }
      throw GRPCError(.cancelled, "cancelled", mayHaveReachedServer: true)
    case nil: throw GRPCError(.unimplemented, "the script is over", mayHaveReachedServer: true)
    }
  }
}

/// A clock that moves when someone waits, and remembers the waits.
final class ManualTiming: Sendable {
  private let state = Mutex<(now: Duration, waits: [Duration], ids: Int)>((.zero, [], 0))

  var waits: [Duration] { state.withLock { $0.waits } }

  /// Chance in the middle: no jitter.
  var timing: CallTiming {
    CallTiming(
      now: { self.state.withLock { $0.now } },
      sleep: { wait in
        try Task.checkCancellation()
        self.state.withLock { state in
          state.now += wait
          state.waits.append(wait)
        }
      },
      chance: { 0.5 },
      newID: {
        self.state.withLock { state in
          state.ids += 1
          return "id-\(state.ids)"
        }
      })
  }
}

extension ScriptedCaller.Step {
  static func message(_ message: some WireMessage) throws -> Self { .answer(try message.wire()) }

  static func status(
    _ code: GRPCStatus, _ message: String = "", detail: (any WireMessage)? = nil, mayHaveReachedServer: Bool = true
  ) throws -> Self {
    var details: [UInt8] = []
    if let detail {
      let any = try Self.any(detail)
      details = try RPCStatus.with {
        $0.code = Int32(code.rawValue)
        $0.details = [any]
      }.wire()
    }
    return .failure(GRPCError(code, message, details: details, mayHaveReachedServer: mayHaveReachedServer))
  }

  private static func any(_ message: some WireMessage) throws -> ProtoAny { try ProtoAny(packing: message) }
}
