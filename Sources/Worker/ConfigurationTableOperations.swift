/// The variables of tuning, health and logs.
extension Setting {
  // MARK: Worker tuning

  static let workerMaxWorkflowTasks = Setting(
    "WORKER_MAX_CONCURRENT_WORKFLOW_TASKS", .tuning, .integer(1...10_000), standard: "200",
    "Workflow tasks handled at once.")
  static let workerMaxActivities = Setting(
    "WORKER_MAX_CONCURRENT_ACTIVITIES", .tuning, .integer(1...10_000), standard: "100",
    "Activities, and so nodes, run at once.")
  static let workerMaxCachedWorkflows = Setting(
    "WORKER_MAX_CACHED_WORKFLOWS", .tuning, .integer(0...100_000), standard: "1000",
    "Runs whose state is kept between workflow tasks; the others are replayed from their history.")
  static let workerStickyTimeout = Setting(
    "WORKER_STICKY_QUEUE_TIMEOUT_SECS", .tuning, .integer(1...3600), standard: "10",
    "How long a workflow task waits for the worker that has the run in its cache.")
  static let workerGracefulShutdown = Setting(
    "WORKER_GRACEFUL_SHUTDOWN_SECS", .tuning, .integer(0...86_400), standard: "30",
    "How long running nodes may go on after SIGTERM before they are cancelled.")

  static let tuningSettings: [Setting] = [
    Setting(
      "WORKER_TUNER", .tuning, .choice(["fixed"]), standard: "fixed", availability: .later(harmless: ["fixed"]),
      "Only `fixed`: the numbers of slots below."),
    workerMaxWorkflowTasks, workerMaxActivities,
    Setting(
      "WORKER_MAX_CONCURRENT_LOCAL_ACTIVITIES", .tuning, .integer(1...10_000),
      availability: .warned("no local activities are used, so that it has no effect"), "Local activities at once."),
    workerMaxCachedWorkflows, workerStickyTimeout, workerGracefulShutdown,
    later("WORKER_NONSTICKY_TO_STICKY_POLL_RATIO", "Share of polls on the normal queue.", harmless: ["0.2"]),
    later("WORKER_POLLER_AUTOSCALING", "Numbers of pollers that follow the load.", harmless: falseWords),
    later("WORKER_POLLER_MIN", "Bound of poller autoscaling."),
    later("WORKER_POLLER_MAX", "Bound of poller autoscaling."),
    later("WORKER_POLLER_INITIAL", "Start of poller autoscaling."),
    later("WORKER_RESOURCE_TARGET_MEM", "Resource tuner."),
    later("WORKER_RESOURCE_TARGET_CPU", "Resource tuner."),
    later("WORKER_RESOURCE_ACTIVITY_MIN_SLOTS", "Resource tuner."),
    later("WORKER_RESOURCE_ACTIVITY_MAX_SLOTS", "Resource tuner."),
    later("WORKER_MAX_ACTIVITIES_PER_SECOND", "Rate limit of this worker."),
    later("WORKER_MAX_TASK_QUEUE_ACTIVITIES_PER_SECOND", "Rate limit of the task queue."),
  ]

  private static func later(_ name: String, _ doc: String, harmless: [String] = []) -> Setting {
    Setting(name, .tuning, .text, availability: .later(harmless: harmless), doc)
  }

  // MARK: Health and logs

  static let healthPort = Setting(
    "HEALTH_PORT", .operations, .integer(1...65_535), example: "8080",
    "Port of the HTTP health server; unset: nothing listens. See “Health”.")
  static let healthHost = Setting(
    "SALLYPORT_HEALTH_HOST", .operations, .text, standard: "0.0.0.0",
    "Address literal that the health server listens on.")
  static let healthFile = Setting(
    "HEALTH_FILE", .operations, .text, example: "/tmp/health",
    "File written every few seconds while the worker is healthy. Unset: `/tmp/health` when `HEALTH_PORT` is set. "
      + "`sallyport healthcheck` reads `/tmp/health` unless told otherwise.")
  static let logFormat = Setting(
    "LOG_FORMAT", .operations, .choice(["text", "json"]), standard: "text",
    "`text` for people, `json` for one object a line. Logs go to standard error.")
  static let logLevel = Setting(
    "LOG_LEVEL", .operations, .logFilter, standard: "info", example: "info,worker=debug",
    "The least level logged (trace, debug, info, notice, warn, error, critical, off), and exceptions by logger.")
  static let rustLog = Setting(
    "RUST_LOG", .operations, .logFilter, example: "info", "The same under the peer's name; `LOG_LEVEL` wins.")

  static let operationSettings: [Setting] = [
    healthPort, healthHost, healthFile, logFormat, logLevel, rustLog,
    Setting(
      "TEMPORAL_METRICS_EXPORTER", .operations, .text, availability: .later(harmless: ["none"]),
      "Exporter of worker metrics. Until then: `/metrics` on the health port."),
    laterMetrics("TEMPORAL_METRICS_PROMETHEUS_ADDR"), laterMetrics("TEMPORAL_METRICS_OTLP_URL"),
    laterMetrics("TEMPORAL_METRICS_OTLP_PROTOCOL"), laterMetrics("TEMPORAL_METRICS_OTLP_HEADERS", isSecret: true),
    Setting(
      "DBT_EXPORT_TO_OTLP", .operations, .flag, availability: .later(harmless: falseWords), "Export of dbt telemetry."),
  ]

  private static func laterMetrics(_ name: String, isSecret: Bool = false) -> Setting {
    Setting(name, .operations, .text, isSecret: isSecret, availability: .later(harmless: []), "Exporter of metrics.")
  }
}
