import Metrics
import Synchronization

/// The number behind one counter. Adding is one atomic operation, so that a call or a frame can afford it.
final class CounterCell: CounterHandler {
  private let count = Atomic<Int64>(0)

  /// Amounts below zero are not added: a counter only grows.
  func increment(by amount: Int64) {
    if amount > 0 { count.wrappingAdd(amount, ordering: .relaxed) }
  }

  func reset() { count.store(0, ordering: .relaxed) }

  /// The sum so far.
  var value: Double { Double(count.load(ordering: .relaxed)) }
}

/// The number behind a counter of fractions, such as seconds.
final class FractionCell: FloatingPointCounterHandler {
  private let sum = Mutex(0.0)

  /// Amounts that are no positive number are not added.
  func increment(by amount: Double) {
    guard amount.isFinite, amount > 0 else { return }
    sum.withLock { $0 += amount }
  }

  func reset() { sum.withLock { $0 = 0 } }

  /// The sum so far.
  var value: Double { sum.withLock { $0 } }
}

/// The number behind one gauge: what was set last, plus what was added since.
final class GaugeCell: RecorderHandler, MeterHandler {
  private let bits = Atomic<UInt64>(0.0.bitPattern)

  func record(_ value: Int64) { set(Double(value)) }
  func record(_ value: Double) { set(value) }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
  func increment(by amount: Double) { add(amount) }
  func decrement(by amount: Double) { add(-amount) }

  private func add(_ amount: Double) {
    var old = bits.load(ordering: .relaxed)
    while true {
      let new = (Double(bitPattern: old) + amount).bitPattern
      let exchange = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
      if exchange.exchanged { return }
      old = exchange.original
    }
  }

  /// The number now.
  var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// The distribution behind one recorder or timer: how many values fell under each bound, their sum and their number.
final class HistogramCell: RecorderHandler, TimerHandler {
  /// What was recorded up to a moment.
  struct Snapshot: Sendable, Hashable {
    /// How many values lie at or under each bound, those under lower bounds included.
    var cumulative: [(bound: Double, count: UInt64)] { zip(bounds, running).map { ($0, $1) } }
    /// The sum of all values.
    var sum = 0.0
    /// How many values there were.
    var count: UInt64 = 0
    fileprivate let bounds: [Double]
    fileprivate var counts: [UInt64]

    fileprivate init(bounds: [Double]) {
      self.bounds = bounds
      counts = Array(repeating: 0, count: bounds.count)
    }

    private var running: [UInt64] {
      var total: UInt64 = 0
      return counts.map { count in
        total += count
        return total
      }
    }
  }

  private let state: Mutex<Snapshot>

  /// - Parameter bounds: upper bounds of the buckets, rising; that of infinity is understood.
  init(bounds: [Double]) { state = Mutex(Snapshot(bounds: bounds)) }

  func record(_ value: Int64) { record(Double(value)) }

  /// Values that are no number are not recorded: one of them would turn the sum into none for ever.
  func record(_ value: Double) {
    guard value.isFinite else { return }
    state.withLock { state in
      state.sum += value
      state.count += 1
      if let index = state.bounds.firstIndex(where: { value <= $0 }) { state.counts[index] += 1 }
    }
  }

  /// Prometheus counts time in seconds.
  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

  /// What was recorded so far.
  var snapshot: Snapshot { state.withLock { $0 } }

  /// Bounds by the unit that a metric's name ends in.
  static func bounds(for name: String) -> [Double] {
    if name.hasSuffix("_seconds") {
      return [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
    }
    if name.hasSuffix("_bytes") {
      return [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864]
    }
    return [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000]
  }
}
