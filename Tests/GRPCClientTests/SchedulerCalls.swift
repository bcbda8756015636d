import GRPCClient
import TestSupport

/// Requests of the Temporal service and what a test must know of its answers, field by field: this target has no message
/// types.
enum SchedulerCalls {
  private static let service = "/temporal.api.workflowservice.v1.WorkflowService/"

  /// Answers anybody.
  static let systemInfo = GRPCCall(path: service + "GetSystemInfo", timeout: .seconds(30))

  /// Starts a workflow whose first task waits on a queue; the task may be held for `taskSeconds`.
  static func start(_ id: String, queue: String, taskSeconds: UInt8 = 120) -> GRPCCall {
    GRPCCall(
      path: service + "StartWorkflowExecution",
      message: field(1, "default") + field(2, id) + field(3, field(1, "trial")) + field(4, field(1, queue))
        + field(8, [0x08, taskSeconds]) + field(9, "tests") + field(10, id), timeout: .seconds(30))
  }

  /// Waits for a workflow task.
  static func poll(_ queue: String, seconds: Int64 = 70) -> GRPCCall {
    GRPCCall(
      path: service + "PollWorkflowTaskQueue",
      message: field(1, "default") + field(2, field(1, queue)) + field(3, "tests"), timeout: .seconds(seconds),
      isLongPoll: true)
  }

  /// Answers a workflow task with no command.
  static func complete(_ token: [UInt8]) -> GRPCCall {
    GRPCCall(
      path: service + "RespondWorkflowTaskCompleted",
      message: field(1, token) + field(3, "tests") + field(9, "default"), timeout: .seconds(30))
  }

  /// A task that a poll brought.
  struct Task: Sendable, Hashable {
    let token: [UInt8]
    let workflow: String
    let attempt: Int
  }

  /// The task in the answer to a poll; nil when the poll came back empty.
  static func task(in answer: [UInt8]) -> Task? {
    let fields = scan(answer)
    guard let token = fields.bytes[1], !token.isEmpty else { return nil }
    let execution = scan(fields.bytes[2] ?? [])
    return Task(
      token: token, workflow: String(decoding: execution.bytes[1] ?? [], as: UTF8.self),
      attempt: fields.numbers[6] ?? 0)
  }

  private static func scan(_ message: [UInt8]) -> (bytes: [Int: [UInt8]], numbers: [Int: Int]) {
    var (bytes, numbers): ([Int: [UInt8]], [Int: Int]) = ([:], [:])
    var rest = message[...]
    func varint() -> Int {
      var (value, shift) = (0, 0)
      while let byte = rest.popFirst() {
        value |= Int(byte & 127) << shift
        shift += 7
        if byte < 128 { break }
      }
      return value
    }
    while !rest.isEmpty {
      let key = varint()
      switch key & 7 {
      case 0: numbers[key >> 3] = varint()
      case 1: rest = rest.dropFirst(8)
      case 2:
        let count = varint()
        bytes[key >> 3] = bytes[key >> 3] ?? Array(rest.prefix(count))
        rest = rest.dropFirst(count)
      default: rest = rest.dropFirst(4)
      }
    }
    return (bytes, numbers)
  }

  private static func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    var length = bytes.count
    var header: [UInt8] = [number << 3 | 2]
    while length >= 128 {
      header.append(UInt8(length & 127 | 128))
      length >>= 7
    }
    return header + [UInt8(length)] + bytes
  }
}
