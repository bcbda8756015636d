import EventLoop
import OrderedCollections

/// Metrics in the Prometheus text format, version 0.0.4.
///
/// A family appears once: of two with one name the first stands, since a page with both could not be read.
package struct MetricsText: Sendable {
  /// What a family of samples means over time.
  package enum Kind: String, Sendable {
    /// Only ever grows.
    case counter
    /// Goes up and down.
    case gauge
    /// How many values lie under each of several bounds.
    case histogram
  }

  /// One series of a histogram.
  package struct Distribution: Sendable {
    /// Its labels, without `le`.
    package var labels: [(String, String)]
    /// Bounds, rising, each with the number of values at or under it; that of infinity is left out.
    package var buckets: [(bound: Double, count: UInt64)]
    /// The sum of all values.
    package var sum: Double
    /// How many values there were.
    package var count: UInt64
  }

  private var families: OrderedDictionary<String, String> = [:]

  /// Without any family.
  package init() {}

  /// The page.
  package var text: String { families.values.joined() }

  /// Adds a family: its help and type, then a sample for each set of labels. Without a sample nothing is added.
  package mutating func family(
    _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]
  ) {
    guard !samples.isEmpty, families[name] == nil else { return }
    let lines = samples.map { MetricsText.line(name, $0.labels, MetricsText.number($0.value)) }
    families[name] = MetricsText.head(name, kind, help) + lines.joined()
  }

  /// Adds a family of one sample without labels.
  package mutating func sample(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
    family(name, kind, help, [([], value)])
  }

  /// Adds a histogram: the buckets of each series, then its sum and its count. Without a series nothing is added.
  package mutating func histogram(_ name: String, _ help: String, _ series: [Distribution]) {
    guard !series.isEmpty, families[name] == nil else { return }
    var lines = MetricsText.head(name, .histogram, help)
    for one in series {
      for bucket in one.buckets {
        let labels = one.labels + [("le", MetricsText.number(bucket.bound))]
        lines += MetricsText.line(name + "_bucket", labels, "\(bucket.count)")
      }
      lines += MetricsText.line(name + "_bucket", one.labels + [("le", "+Inf")], "\(one.count)")
      lines += MetricsText.line(name + "_sum", one.labels, MetricsText.number(one.sum))
      lines += MetricsText.line(name + "_count", one.labels, "\(one.count)")
    }
    families[name] = lines
  }

  /// Adds the families of another page that this one lacks.
  package mutating func append(_ other: MetricsText) { families.merge(other.families) { first, _ in first } }

  private static func head(_ name: String, _ kind: Kind, _ help: String) -> String {
    "# HELP \(name) \(escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
  }

  private static func line(_ name: String, _ labels: [(String, String)], _ value: String) -> String {
    let labels = labels.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }
    return name + (labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}") + " \(value)\n"
  }

  /// A number as Prometheus reads it.
  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    guard value.isFinite else { return value < 0 ? "-Inf" : "+Inf" }
    return "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension MetricsText {
  /// Adds what a health report knows.
  package mutating func add(_ report: HealthReport) {
    let facts = report.facts
    sample("sallyport_live", .gauge, "1 while the event loop turns.", report.isLive ? 1 : 0)
    sample("sallyport_ready", .gauge, "1 while the worker takes work.", report.isReady ? 1 : 0)
    sample(
      "sallyport_connected", .gauge, "1 while a connection to the scheduler is ready.", facts.connection.isReady ? 1 : 0
    )
    sample(
      "sallyport_connections_total", .counter, "Connections to the scheduler established.",
      Double(facts.connection.established))
    if let credential = facts.credential {
      sample(
        "sallyport_credentials_usable", .gauge, "0 while the credentials cannot serve a connection.",
        credential.fault == nil ? 1 : 0)
    }
    sample(
      "sallyport_event_loop_turn_age_seconds", .gauge, "Time since the event loop last went round.",
      (report.moment - (facts.loopTurnedAt ?? facts.startedAt)).inSeconds)
    family(
      "sallyport_poll_success_age_seconds", .gauge, "Time since a poll of this kind last came back.",
      facts.pollers.compactMap { name, poller in
        poller.lastSuccess.map { ([("poller", name)], (report.moment - $0).inSeconds) }
      })
    family(
      "sallyport_polls_total", .counter, "Polls that came back.",
      facts.pollers.map { ([("poller", $0.key)], Double($0.value.successes)) })
    family(
      "sallyport_poll_failures_total", .counter, "Polls that failed.",
      facts.pollers.map { ([("poller", $0.key)], Double($0.value.failures)) })
    sample(
      "sallyport_uptime_seconds", .counter, "Time since the process started.",
      (report.moment - facts.startedAt).inSeconds)
  }
}

extension Duration {
  /// The duration in seconds.
  package var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
