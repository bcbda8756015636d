import EventLoop
import OrderedCollections

/// Metrics in the Prometheus text format, version 0.0.4.
package struct MetricsText: Sendable {
  /// What a family of samples means over time.
  package enum Kind: String, Sendable {
    /// Only ever grows.
    case counter
    /// Goes up and down.
    case gauge
  }

  /// The text written so far.
  package private(set) var text = ""

  /// Without any family.
  package init() {}

  /// Adds a family: its help and type, then a sample for each set of labels.
  package mutating func family(
    _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]
  ) {
    guard !samples.isEmpty else { return }
    text += "# HELP \(name) \(MetricsText.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    for sample in samples {
      let labels = sample.labels.map { "\($0.0)=\"\(MetricsText.escaped($0.1, quotes: true))\"" }
      text += name + (labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}") + " \(sample.value)\n"
    }
  }

  /// Adds a family of one sample without labels.
  package mutating func sample(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
    family(name, kind, help, [([], value)])
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for character in text {
      switch character {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.append(character)
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
