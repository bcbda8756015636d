import CLinux
package import EventLoop
import Glibc
package import Logging
package import Observability
import Synchronization

/// Watches a worker from a thread of its own: asks the event loop to show that it turns, looks at connection and
/// credentials, writes the health file while all is well, and logs when that changes.
package final class HealthMonitor: Sendable {
  /// The time between two looks while all is well.
  package static let interval: Duration = .seconds(2)
  /// The time between two looks while it is not, so that readiness is noticed soon.
  package static let unhealthyInterval: Duration = .milliseconds(50)

  private let state: HealthState
  private let loop: EventLoop
  private let connection: @Sendable () -> HealthState.Connection
  private let credential: @Sendable () -> HealthState.Credential?
  private let token: @Sendable () -> HealthState.Token?
  private let file: HealthFile?
  private let logger: Logger
  private let isStopped = Atomic<Bool>(false)
  /// Whether the loop was asked to show itself and has not yet: a stuck loop must not be asked again and again.
  private let isAsked = Atomic<Bool>(false)

  /// - Parameters:
  ///   - connection: the connection as of now; called on the monitor's thread.
  ///   - credential: the credentials as of now, likewise; nil when nothing is known of them.
  ///   - token: the bearer token as of now, likewise; nil without one that ends.
  ///   - file: nil writes none.
  package init(
    state: HealthState, loop: EventLoop, file: HealthFile?, logger: Logger,
    connection: @escaping @Sendable () -> HealthState.Connection,
    credential: @escaping @Sendable () -> HealthState.Credential? = { nil },
    token: @escaping @Sendable () -> HealthState.Token? = { nil }
  ) {
    self.state = state
    self.loop = loop
    self.file = file
    self.logger = logger
    self.connection = connection
    self.credential = credential
    self.token = token
  }

  /// Takes a stale file away and starts the thread.
  package func start() throws(EventLoopError) {
    file?.remove()
    try OperatingSystemThread.start("health-monitor") { self.run() }
  }

  /// Ends the watch and takes the file away, so that nobody takes a stopped worker for a healthy one.
  package func stop() {
    isStopped.store(true, ordering: .sequentiallyConsistent)
    file?.remove()
  }

  private func run() {
    var wasHealthy = false
    var canWrite = true
    while !isStopped.load(ordering: .sequentiallyConsistent) {
      askLoop()
      state.connectionIs(connection())
      state.credentialIs(credential())
      state.tokenIs(token())
      let report = state.report()
      if report.isHealthy != wasHealthy {
        wasHealthy = report.isHealthy
        tell(report)
      }
      if let file, report.isHealthy, !isStopped.load(ordering: .sequentiallyConsistent) {
        let isWritten = file.write(report, at: .now())
        if !isWritten && canWrite { logger.error("health file not written", metadata: ["path": "\(file.path)"]) }
        canWrite = isWritten
      }
      let (seconds, attoseconds) =
        (report.isHealthy ? HealthMonitor.interval : HealthMonitor.unhealthyInterval).components
      var pause = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
      _ = unsafe nanosleep(&pause, nil)
    }
    // The file may have been written between the check above and stop().
    file?.remove()
  }

  private func askLoop() {
    guard !isAsked.exchange(true, ordering: .sequentiallyConsistent) else { return }
    loop.submit { [self] in
      state.loopTurned()
      isAsked.store(false, ordering: .sequentiallyConsistent)
    }
  }

  private func tell(_ report: HealthReport) {
    let fields: Logger.Metadata = ["phase": "\(report.phase.rawValue)", "reason": "\(report.summary)"]
    if report.isHealthy {
      logger.notice("healthy", metadata: fields)
    } else {
      logger.warning("unhealthy", metadata: fields)
    }
  }
}
