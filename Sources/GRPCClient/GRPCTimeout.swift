internal import EventLoop

/// The value of `grpc-timeout`: at most eight digits and a unit (gRPC over HTTP/2, "Timeout").
enum GRPCTimeout {
  private static let units: [(name: Character, nanoseconds: Int64)] = [
    ("n", 1), ("u", 1_000), ("m", 1_000_000), ("S", 1_000_000_000), ("M", 60_000_000_000), ("H", 3_600_000_000_000),
  ]
  private static let largest: Int64 = 99_999_999

  /// The duration in the finest unit that fits, rounded up; nil unless it is positive.
  static func text(_ duration: Duration) -> String? {
    let nanoseconds = duration.clampedNanoseconds
    guard nanoseconds > 0 else { return nil }
    for unit in units {
      let count = (nanoseconds - 1) / unit.nanoseconds + 1
      if count <= largest { return "\(count)\(unit.name)" }
    }
    return "\(largest)H"
  }
}
