internal import Metrics

/// What a channel counts. The handles are made once; those of rare events when they happen.
struct ChannelMetrics: Sendable {
  /// Why another connection became necessary.
  enum ReconnectCause: String, Sendable, CaseIterable {
    /// The server sent the connection away in order.
    case goAway = "go_away"
    /// The server sent the connection away with an error.
    case refused
    /// The connection broke.
    case lost
    /// The connection was not made.
    case setupFailed = "setup_failed"
    /// The connection came near the age at which the server ends them.
    case planned
    /// A new identity was adopted.
    case rotation
  }

  private let roles: [(role: ConnectionPlan.Role, gauge: Gauge)] = ConnectionPlan.Role.allCases.map {
    ($0, Gauge(label: "sallyport_connections", dimensions: [("state", $0.rawValue)]))
  }
  private let generation = Gauge(label: "sallyport_credential_generation")
  private let lastSuccess = Gauge(label: "sallyport_rotation_last_success_timestamp_seconds")

  /// How many connections there are of each role.
  func connections(_ plan: ConnectionPlan) {
    for (role, gauge) in roles { gauge.record(plan.count(of: role)) }
  }

  /// Another connection became necessary.
  func reconnected(_ cause: ReconnectCause) {
    Counter(label: "sallyport_reconnects_total", dimensions: [("cause", cause.rawValue)]).increment()
  }

  /// New files were tried.
  func rotation(_ result: String) {
    Counter(label: "sallyport_rotations_total", dimensions: [("kind", "tls"), ("result", result)]).increment()
  }

  /// An identity was adopted.
  ///
  /// - Parameter now: seconds since 1970.
  func adopted(_ number: Int, at now: Int64) {
    generation.record(number)
    lastSuccess.record(now)
  }

  /// When the first certificate of a kind ends, in seconds since 1970.
  func notAfter(_ kind: String, _ seconds: Int64) {
    Gauge(label: "sallyport_certificate_not_after_seconds", dimensions: [("kind", kind)]).record(seconds)
  }
}
