/// Notices a connection that answers pings but no calls: a gateway whose backend hangs, a proxy that lost its other half. A
/// pure machine.
struct DeadlineStreak {
  /// Deadlines in a row, with nothing from the server on any stream in between, after which the connection is replaced.
  static let limit = 5

  private var count = 0

  /// Something arrived on a stream.
  mutating func progressed() { count = 0 }

  /// A call ended at its deadline without an answer. True: the connection should be replaced.
  mutating func passed() -> Bool {
    count += 1
    return count >= Self.limit
  }
}
