import DBTContext
import Glibc
import Synchronization

/// dbt's log file, `dbt.log` in its folder. Grown over the limit it becomes `dbt.log.1`, of which five are kept.
///
/// A folder that cannot be made or a full disk loses lines, never the command. Thread-safe.
final class DBTLogFile: Sendable {
  /// 10 MiB.
  static let standardLimit = 10 << 20
  private static let kept = 5

  private struct State {
    var descriptor: Int32 = -1
    var size = 0
    var hasFailed = false
  }

  let level: LogLine.Level
  private let path: String
  private let folder: String
  private let limit: Int
  private let state: Mutex<State>

  /// - Parameters:
  ///   - folder: absolute; made with the folders above it before the first line.
  ///   - limit: bytes; 0 for a file without end.
  init(folder: String, level: LogLine.Level, limit: Int) {
    self.folder = folder
    self.level = level
    self.limit = limit
    path = folder + "/dbt.log"
    state = Mutex(State())
  }

  deinit { state.withLock { if $0.descriptor >= 0 { close($0.descriptor) } } }

  func append(_ text: String) {
    state.withLock { state in
      guard !state.hasFailed else { return }
      if state.descriptor < 0 { open(&state) }
      if limit > 0, state.size > 0, state.size + text.utf8.count > limit { rotate(&state) }
      guard state.descriptor >= 0 else {
        state.hasFailed = true
        return
      }
      Terminal.write(text, to: state.descriptor)
      state.size += text.utf8.count
    }
  }

  private func open(_ state: inout State) {
    var current = ""
    for part in folder.split(separator: "/") {
      current += "/\(part)"
      _ = unsafe mkdir(current, 0o777)
    }
    state.descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o666)
    var status = stat()
    state.size = unsafe fstat(state.descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  private func rotate(_ state: inout State) {
    close(state.descriptor)
    for number in stride(from: Self.kept - 1, through: 1, by: -1) {
      _ = unsafe rename("\(path).\(number)", "\(path).\(number + 1)")
    }
    _ = unsafe rename(path, "\(path).1")
    open(&state)
  }
}
