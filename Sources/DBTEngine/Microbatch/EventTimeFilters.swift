import DBTContext
import DBTProject
import OrderedCollections
import PlainData

/// Cuts what a node reads down to rows of a span of time: that of its batch, and that of a sample.
struct EventTimeFilters {
  let run: RunContext
  let node: Node?
  let batch: Batch?

  /// The filter for one ref or source; nil when it is read whole.
  ///
  /// - Parameters:
  ///   - config: of what is read; without `event_time` nothing can be filtered.
  ///   - columns: of what is read, for how the column of the time is quoted.
  ///   - quotesColumns: whether columns that say nothing are quoted.
  func filter(config: PlainObject, columns: PlainObject, quotesColumns: Bool?) -> EventTimeFilter? {
    guard let field = config["event_time"]?.stringValue, !field.isEmpty, let node,
      node.resourceType == .model || node.resourceType == .snapshot
    else { return nil }
    let quotes = columns[field]?["quote"]?.boolValue ?? quotesColumns ?? false
    let name = quotes ? Relation.quoted(field) : field
    let sample = run.request.settings.sample
    if let batch {
      var span = batch.span
      if let sample {
        if sample.start.unixSeconds > span.start.unixSeconds { span.start = sample.start }
        if sample.end.unixSeconds < span.end.unixSeconds { span.end = sample.end }
      }
      return EventTimeFilter(fieldName: name, start: span.start, end: span.end)
    }
    return sample.map { EventTimeFilter(fieldName: name, start: $0.start, end: $0.end) }
  }
}
