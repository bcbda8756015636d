/// Counts of durations in buckets whose width is 3 % of their value, so that a measurement of any length takes 8 KB.
struct LatencyHistogram: Sendable {
  /// Buckets for each doubling.
  private static let parts = 32
  private var counts = [UInt32](repeating: 0, count: 64 * Self.parts)
  private var total = 0

  /// Counts one duration.
  mutating func record(nanoseconds: UInt64) {
    counts[Self.bucket(of: nanoseconds)] += 1
    total += 1
  }

  /// Takes over another's counts.
  mutating func merge(_ other: LatencyHistogram) {
    for index in counts.indices { counts[index] += other.counts[index] }
    total += other.total
  }

  /// The upper bound, in seconds, of the bucket below which the fraction `quantile` of all durations lies.
  func seconds(at quantile: Double) -> Double {
    var left = Int((Double(total) * quantile).rounded(.up))
    for (index, count) in counts.enumerated() {
      left -= Int(count)
      if left <= 0 { return Double(Self.upperBound(of: index)) / 1e9 }
    }
    return 0
  }

  private static func bucket(of value: UInt64) -> Int {
    guard value >= UInt64(parts) else { return Int(value) }
    let exponent = 63 - value.leadingZeroBitCount
    return (exponent - 4) * parts + Int(value >> UInt64(exponent - 5)) - parts
  }

  private static func upperBound(of bucket: Int) -> UInt64 {
    guard bucket >= parts else { return UInt64(bucket) }
    let exponent = bucket / parts + 4
    return UInt64(bucket % parts + parts + 1) << UInt64(exponent - 5)
  }
}
