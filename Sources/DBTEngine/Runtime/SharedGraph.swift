import Glibc
import Jinja

/// What the templates of one run keep for each other in `graph`, beyond the resources that dbt puts there.
///
/// In dbt `graph` is one dict of the process, and packages use it as memory that hooks, models and tests share
/// (`graph.setdefault("name", {})`). Values of templates belong to one thread at a time, so a thread that looks at shared
/// ones takes the turn and keeps it until its node is done; while it waits for the database, others have it. That is how
/// Python's threads take turns too. How much is kept is bounded by the limits of every evaluation that puts something in.
///
/// Sendable: `entries`, and every value that can be reached from them, are only touched by the thread whose turn it is.
@safe package final class SharedGraph: @unchecked Sendable {
  private struct Turn {
    var owner: pthread_t?
    /// How many connections of the owner keep the turn.
    var depth = 0
    var isUsed = false
  }

  private let turn = Monitor(Turn())
  /// Only for the thread whose turn it is.
  let entries = DictObject()

  package init() {}

  /// Whether any template has kept something.
  var isUsed: Bool { turn.withLock { $0.isUsed } }

  /// Waits for the turn; `leave` ends it. May be nested.
  func enter() { take(1) }

  func leave() {
    turn.withLock { turn in
      turn.depth -= 1
      if turn.depth <= 0 { turn = Turn(isUsed: true) }
    }
  }

  /// Runs what waits for something outside while others have the turn, if it is this thread's.
  func paused<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    let own = pthread_self()
    let depth = turn.withLock { turn in
      guard turn.owner == own else { return 0 }
      defer { turn = Turn(isUsed: true) }
      return turn.depth
    }
    guard depth > 0 else { return try body() }
    defer { take(depth) }
    return try body()
  }

  private func take(_ depth: Int) {
    let own = pthread_self()
    turn.wait { turn -> Void? in
      guard turn.owner == nil || turn.owner == own else { return nil }
      turn.owner = own
      turn.depth += depth
      turn.isUsed = true
      return ()
    }
  }
}
