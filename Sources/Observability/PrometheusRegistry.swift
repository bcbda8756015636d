package import Metrics
import OrderedCollections
import Synchronization

/// swift-metrics' back end here: keeps the numbers of every metric that any part of the process emits, and writes them
/// into the page that `/metrics` shows.
///
/// Bounded: at most `limit` series. A further one gets a number that nobody reads, and is counted in
/// `sallyport_metrics_dropped_series_total`; so is one whose name belongs to a metric of another kind. Safe on every thread.
package final class PrometheusRegistry: MetricsFactory {
  /// The one that `bootstrap` installs.
  package static let process = PrometheusRegistry()

  /// The number behind one series.
  private enum Cell {
    case counter(CounterCell)
    case fraction(FractionCell)
    case gauge(GaugeCell)
    case histogram(HistogramCell)

    /// The handler that a caller holds.
    var object: AnyObject {
      switch self {
      case .counter(let cell): cell
      case .fraction(let cell): cell
      case .gauge(let cell): cell
      case .histogram(let cell): cell
      }
    }
  }

  private struct State {
    var families: [String: OrderedDictionary<MetricLabels, Cell>] = [:]
    var count = 0
    var dropped = 0
  }

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: the most series kept.
  package init(limit: Int = 1_000) { self.limit = limit }

  /// Makes the process's registry the one behind every metric. Call once, first of all.
  package static func bootstrap() { MetricsSystem.bootstrap(process) }

  /// Series that found no room so far.
  package var droppedSeries: Int { state.withLock { $0.dropped } }

  // MARK: Making

  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    cell(
      label, dimensions, make: { .counter(CounterCell()) },
      as: { if case .counter(let cell) = $0 { cell } else { nil } }) ?? CounterCell()
  }

  package func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    cell(
      label, dimensions, make: { .fraction(FractionCell()) },
      as: { if case .fraction(let cell) = $0 { cell } else { nil } }) ?? FractionCell()
  }

  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    gauge(label, dimensions) ?? GaugeCell()
  }

  /// A gauge is what swift-metrics calls a recorder that does not aggregate.
  package func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    if aggregate { return histogram(label, dimensions) ?? HistogramCell(bounds: []) }
    return gauge(label, dimensions) ?? GaugeCell()
  }

  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    histogram(label, dimensions) ?? HistogramCell(bounds: [])
  }

  private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeCell? {
    cell(
      label, dimensions, make: { .gauge(GaugeCell()) }, as: { if case .gauge(let cell) = $0 { cell } else { nil } })
  }

  private func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramCell? {
    let bounds = HistogramCell.bounds(for: MetricLabels.metricName(label))
    return cell(
      label, dimensions, make: { .histogram(HistogramCell(bounds: bounds)) },
      as: { if case .histogram(let cell) = $0 { cell } else { nil } })
  }

  /// The number of a series, made when it is new; nil when it is refused.
  private func cell<Handler>(
    _ label: String, _ dimensions: [(String, String)], make: () -> Cell, as cast: (Cell) -> Handler?
  ) -> Handler? {
    let name = MetricLabels.metricName(label)
    let labels = MetricLabels(dimensions)
    return state.withLock { state -> Handler? in
      if let known = state.families[name]?[labels] {
        if let handler = cast(known) { return handler }
      } else if state.count < limit, state.families[name]?.values.first.map({ cast($0) != nil }) ?? true {
        let cell = make()
        state.families[name, default: [:]][labels] = cell
        state.count += 1
        return cast(cell)
      }
      state.dropped += 1
      return nil
    }
  }

  // MARK: Destroying

  package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
  package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
  package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
  package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
  package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

  /// Forgets a series; its number may still be added to, and is no longer shown.
  private func remove(_ handler: AnyObject) {
    state.withLock { state in
      for (name, series) in state.families {
        guard let labels = series.first(where: { $0.value.object === handler })?.key else { continue }
        state.families[name]?[labels] = nil
        state.count -= 1
        if state.families[name]?.isEmpty == true { state.families[name] = nil }
        return
      }
    }
  }

  // MARK: Writing

  /// Adds every family to a page, in the order of their names.
  package func write(to text: inout MetricsText) {
    let (families, dropped) = state.withLock { ($0.families, $0.dropped) }
    for (name, series) in families.sorted(by: { $0.key < $1.key }) {
      let help = MetricCatalog.help(for: name)
      var samples: [(labels: [(String, String)], value: Double)] = []
      var histograms: [MetricsText.Distribution] = []
      var kind = MetricsText.Kind.counter
      for (labels, cell) in series {
        switch cell {
        case .counter(let cell): samples.append((labels.plain, cell.value))
        case .fraction(let cell): samples.append((labels.plain, cell.value))
        case .gauge(let cell):
          kind = .gauge
          samples.append((labels.plain, cell.value))
        case .histogram(let cell):
          let seen = cell.snapshot
          histograms.append(
            MetricsText.Distribution(
              labels: labels.plain, buckets: seen.cumulative, sum: seen.sum, count: seen.count))
        }
      }
      text.family(name, kind, help, samples)
      text.histogram(name, help, histograms)
    }
    text.sample(
      "sallyport_metrics_dropped_series_total", .counter,
      MetricCatalog.help(for: "sallyport_metrics_dropped_series_total"), Double(dropped))
  }
}
