package import DBTContext
import OrderedCollections
package import PlainData

/// A span of time of a microbatch model: the rows whose event time lies in it are built together.
package struct BatchSpan: Sendable, Hashable {
  /// Included.
  package var start: PythonDateTime
  /// Not included.
  package var end: PythonDateTime

  package init(start: PythonDateTime, end: PythonDateTime) {
    self.start = start
    self.end = end
  }

  /// dbt's form: a list of two ISO texts.
  var plain: PlainValue { [.string(start.isoText()), .string(end.isoText())] }

  /// Reads what `plain` wrote; nil for anything else.
  init?(plain: PlainValue) {
    guard let texts = plain.arrayValue, texts.count == 2,
      let start = texts[0].stringValue.flatMap({ PythonDateTime(isoText: $0) }),
      let end = texts[1].stringValue.flatMap({ PythonDateTime(isoText: $0) })
    else { return nil }
    self.init(start: EventTime.inUTC(start), end: EventTime.inUTC(end))
  }
}

/// What became of a microbatch model's batches.
package struct BatchResults: Sendable, Hashable {
  package var successful: [BatchSpan] = []
  package var failed: [BatchSpan] = []

  package init() {}

  /// dbt's form in `run_results.json`.
  package var plain: PlainValue {
    ["successful": .array(successful.map(\.plain)), "failed": .array(failed.map(\.plain))]
  }

  /// Reads what `plain` wrote; nil when there is no such object.
  package init?(plain: PlainValue?) {
    guard let plain, plain.objectValue != nil else { return nil }
    successful = (plain["successful"]?.arrayValue ?? []).compactMap(BatchSpan.init)
    failed = (plain["failed"]?.arrayValue ?? []).compactMap(BatchSpan.init)
  }
}

/// The batch that a model is being rendered and run for.
struct Batch: Sendable {
  let span: BatchSpan
  /// The start without dashes: the ending of temporary tables.
  let id: String
  /// The start as files and lines show it.
  let name: String

  init(_ span: BatchSpan, _ size: BatchSize) {
    self.span = span
    name = size.text(span.start)
    id = name.filter { $0 != "-" }
  }
}
