internal import EventLoop
internal import Secrets
internal import Synchronization

/// A call that has been accepted and not been answered.
struct PendingCall {
  /// Where the call is.
  enum Place: Hashable {
    /// In the queue, for a connection or a free stream.
    case waiting
    /// On a stream of a connection.
    case stream(connection: Int, stream: Int32)
  }

  /// What was asked for.
  let call: GRPCCall
  /// When it ends at the latest.
  let deadline: MonotonicTime
  /// The timer of the deadline.
  let timer: TimerKey
  /// The value of `authorization` that goes with it.
  let authorization: SharedSecret?
  /// Hears the outcome, once.
  let completion: (Result<[UInt8], GRPCError>) -> Void
  /// Where the call is.
  var place = Place.waiting
  /// The response so far.
  var response: UnaryResponse
  /// How often it was put on a stream.
  var attempts = 0
}

/// A call on its way to the loop, where it gets its number, and the caller's right to take it back.
///
/// `@unchecked Sendable`: the flag is atomic, and the number is touched on the loop's thread only.
final class CallTicket: @unchecked Sendable {
  private let cancelled = Atomic(false)
  /// The call's number once it has been accepted; on the loop's thread only.
  var number: UInt64?

  /// Whether the caller has given the call up.
  var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

  /// Gives the call up; from any thread.
  func cancel() { cancelled.store(true, ordering: .releasing) }
}

/// The calls that wait, long polls apart from the others, each in order of arrival.
struct CallQueue {
  private var ordinary: [UInt64] = []
  private var polls: [UInt64] = []

  /// How many wait.
  var count: Int { ordinary.count + polls.count }

  /// How many long polls wait.
  var waitingPolls: Int { polls.count }

  /// All that wait, ordinary calls first.
  var all: [UInt64] { ordinary + polls }

  /// Puts a call at the end.
  mutating func append(_ id: UInt64, isLongPoll: Bool) {
    if isLongPoll { polls.append(id) } else { ordinary.append(id) }
  }

  /// Puts a call that was sent before back to the front.
  mutating func putBack(_ id: UInt64, isLongPoll: Bool) {
    if isLongPoll { polls.insert(id, at: 0) } else { ordinary.insert(id, at: 0) }
  }

  /// Takes a call out; one that does not wait is no error.
  mutating func remove(_ id: UInt64) {
    ordinary.removeAll { $0 == id }
    polls.removeAll { $0 == id }
  }

  /// Takes the next call that may go on a stream now.
  ///
  /// - Parameters:
  ///   - free: streams that the peer still admits, on all connections that take calls.
  ///   - credit: streams that the peer admits at once there.
  mutating func next(free: Int, credit: Int) -> UInt64? {
    guard free > 0 else { return nil }
    if !ordinary.isEmpty { return ordinary.removeFirst() }
    let reserve = Self.reserve(of: credit)
    guard !polls.isEmpty, free > reserve else { return nil }
    return polls.removeFirst()
  }

  /// Streams that are kept from long polls, so that these cannot hold up what ends soon: a fifth, at least two; but where
  /// there is hardly any, one remains for a poll.
  static func reserve(of credit: Int) -> Int { max(0, min(max(2, credit / 5), credit - 1)) }
}
