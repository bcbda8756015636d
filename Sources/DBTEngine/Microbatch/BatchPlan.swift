import DBTContext
import DBTProject
import OrderedCollections
import PlainData

/// Which batches of a microbatch model a run builds (dbt-engine.md §2.12).
struct BatchPlan {
  /// Batches of one model in one run: more than ten years of hours.
  static let limit = 100_000

  let size: BatchSize
  let spans: [BatchSpan]

  /// - Parameters:
  ///   - window: `--event-time-start` and `--event-time-end`, or the sample's; nil: up to `now`.
  ///   - isIncremental: whether the model's table stands and is to be added to.
  /// - Throws: a model without what its batches need, or with more batches than the limit.
  init(_ node: Node, window: BatchSpan?, isIncremental: Bool, now: PythonDateTime) throws(DBTError) {
    guard let size = (node.config["batch_size"]?.stringValue).flatMap(BatchSize.init) else {
      throw DBTError(
        .runtime,
        "Microbatch model '\(node.name)' does not have a 'batch_size' config (one of ['hour', 'day', 'month', 'year']) "
          + "specificed.")
    }
    self.size = size
    guard let end = size.ceiling(window?.end ?? now) else { throw BatchPlan.outside(node) }
    let start = try BatchPlan.start(node, size, window: window, isIncremental: isIncremental, end: end)
    spans = try BatchPlan.spans(node, size, start, end)
  }

  /// The same batches again, for a retry.
  init(_ node: Node, repeating spans: [BatchSpan]) {
    size = (node.config["batch_size"]?.stringValue).flatMap(BatchSize.init) ?? .day
    self.spans = spans
  }

  private static func outside(_ node: Node) -> DBTError {
    DBTError(.runtime, "The batches of microbatch model '\(node.name)' reach beyond the calendar")
  }

  private static func start(
    _ node: Node, _ size: BatchSize, window: BatchSpan?, isIncremental: Bool, end: PythonDateTime
  ) throws(DBTError) -> PythonDateTime {
    if let window { return size.truncated(window.start) }
    guard isIncremental else {
      guard let begin = (node.config["begin"]?.stringValue).flatMap({ PythonDateTime(isoText: $0) }) else {
        throw DBTError(.runtime, "Microbatch model '\(node.name)' requires a 'begin' configuration.")
      }
      return size.truncated(EventTime.inUTC(begin))
    }
    // The end always lies on the line between two batches: the last batch itself is one step back.
    let lookback =
      (node.config["lookback"]?.intValue ?? 1) + (size.truncated(end).unixSeconds == end.unixSeconds ? 1 : 0)
    guard let start = size.start(end, batchesLater: -lookback) else { throw outside(node) }
    return start
  }

  private static func spans(
    _ node: Node, _ size: BatchSize, _ start: PythonDateTime, _ end: PythonDateTime
  ) throws(DBTError) -> [BatchSpan] {
    var spans: [BatchSpan] = []
    var current = start
    repeat {
      guard spans.count < limit else {
        throw DBTError(
          .runtime, "Microbatch model '\(node.name)' would have more than \(limit) batches, which is the limit")
      }
      guard let next = size.start(current, batchesLater: 1) else { throw outside(node) }
      spans.append(BatchSpan(start: current, end: next))
      current = next
    } while current.unixSeconds < end.unixSeconds
    spans[spans.count - 1].end = end
    return spans
  }
}
