import CLinux
import Glibc
package import Observability
import OrderedCollections
import PlainData
import Secrets

/// The file that says a worker is healthy by being fresh: for probes without a network.
package struct HealthFile: Sendable {
  /// Older than this, a file says that the worker is not healthy.
  package static let lifetime: Duration = .seconds(60)
  /// Much newer than the clock, a file cannot be judged; a little may be the file system's clock.
  static let futureAllowance: Duration = .seconds(2)

  /// Absolute.
  package let path: String

  /// Touches nothing yet.
  package init(path: String) { self.path = path }

  /// What a probe found: the verdict and a sentence for people.
  package struct Finding: Sendable, Hashable {
    /// The verdict.
    package var isHealthy: Bool
    /// The reason, with numbers.
    package var message: String
  }

  /// Replaces the file in one step, making its folder when that is missing.
  ///
  /// - Returns: false when the file system refuses, with `errno` set.
  package func write(_ report: HealthReport, at moment: Timestamp) -> Bool {
    var members = report.json.objectValue ?? [:]
    members["written_at"] = .string(moment.text)
    members["pid"] = .int(Int(getpid()))
    let bytes = Array((PlainValue.object(members).json() + "\n").utf8)
    makeFolder()
    let draft = path + ".\(getpid()).tmp"
    let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { return false }
    let count = unsafe Glibc.write(descriptor, bytes, bytes.count)
    let isClosed = close(descriptor) == 0
    guard count == bytes.count, isClosed, unsafe rename(draft, path) == 0 else {
      let code = errno
      unsafe unlink(draft)
      errno = code
      return false
    }
    return true
  }

  /// Takes the file away; a missing one is fine.
  package func remove() { _ = unsafe unlink(path) }

  private func makeFolder() {
    var folder = ""
    for part in path.split(separator: "/").dropLast() {
      folder += "/" + part
      _ = unsafe mkdir(folder, 0o755)
    }
  }

  /// Judges the file by its age and by what it says.
  package func inspect(now: Timestamp) -> Finding {
    let bytes: [UInt8]
    do {
      bytes = try MountedFile.read(path, limit: 64 << 10)
    } catch {
      guard error.code == .missing else { return Finding(isHealthy: false, message: "unhealthy: \(error)") }
      return Finding(
        isHealthy: false,
        message:
          "unhealthy: no health file at '\(path)': the worker is not healthy yet (its log says why), has stopped, or "
          + "writes elsewhere (HEALTH_FILE)")
    }
    guard let age = age(now) else {
      return Finding(isHealthy: false, message: "unhealthy: '\(path)' has just vanished")
    }
    guard age <= HealthFile.lifetime else {
      return Finding(
        isHealthy: false,
        message: "unhealthy: the worker was last healthy \(age.components.seconds) s ago, more than the "
          + "\(HealthFile.lifetime.components.seconds) s allowed; its log says why")
    }
    guard age >= .zero - HealthFile.futureAllowance else {
      return Finding(isHealthy: false, message: "unhealthy: '\(path)' was written in the future; check the clock")
    }
    return verdict(bytes, age)
  }

  private func verdict(_ bytes: [UInt8], _ age: Duration) -> Finding {
    guard let state = try? PlainValue(json: bytes), let status = state["status"]?.stringValue else {
      return Finding(isHealthy: false, message: "unhealthy: '\(path)' was not written by a sallyport worker")
    }
    let phase = state["phase"]?.stringValue ?? "unknown"
    guard status == "healthy" else { return Finding(isHealthy: false, message: "unhealthy: the worker says \(status)") }
    return Finding(isHealthy: true, message: "healthy: \(phase), said \(max(0, age.components.seconds)) s ago")
  }

  /// The time since the file was last written.
  private func age(_ now: Timestamp) -> Duration? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    let seconds = now.seconds - Int64(status.st_mtim.tv_sec)
    let nanoseconds = Int64(now.nanoseconds) - Int64(status.st_mtim.tv_nsec)
    return .seconds(seconds) + .nanoseconds(nanoseconds)
  }
}
