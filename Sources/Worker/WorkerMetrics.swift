package import GRPCClient
package import Observability

/// The page of `/metrics` but for the health report: what the channel counts, what every part of the process emits, and
/// the process itself.
package enum WorkerMetrics {
  /// The page as of now. Reads `/proc/self`: not for the event loop's thread.
  package static func page(_ state: ChannelState) -> MetricsText {
    var text = MetricsText(channel: state)
    PrometheusRegistry.process.write(to: &text)
    ProcessMetrics.read().write(to: &text)
    text.family(
      "sallyport_build_info", .gauge, MetricCatalog.help(for: "sallyport_build_info"),
      [([("version", Version.text), ("architecture", architecture)], 1)])
    return text
  }

  private static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "arm64"
    #else
      "other"
    #endif
  }
}

extension MetricsText {
  /// What a channel counts.
  init(channel state: ChannelState) {
    self.init()
    sample(
      "sallyport_scheduler_calls_open", .gauge, "Calls to the scheduler under way, long polls included.",
      Double(state.openCalls))
    sample(
      "sallyport_scheduler_calls_waiting", .gauge, "Calls that wait for a connection or a stream.",
      Double(state.waitingCalls))
    family(
      "sallyport_scheduler_calls_total", .counter, "Calls to the scheduler that ended.",
      [
        ([("result", "success")], Double(state.succeededCalls)), ([("result", "error")], Double(state.failedCalls)),
      ])
    sample(
      "sallyport_connection_attempts_failed_total", .counter, "Attempts to connect that failed.",
      Double(state.failedAttempts))
  }
}
