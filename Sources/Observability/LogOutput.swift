import CLinux
import Glibc
package import Secrets
import Synchronization

/// Where log lines go: one descriptor, written a whole line at a time, from any thread.
package final class LogOutput: Sendable {
  private let descriptor: Int32
  private let format: LogFormat
  private let isTerminal: Bool
  private let redactor: Redactor
  /// Held while a line is written, so that lines never mix; counts lines that the descriptor refused.
  private let lost = Mutex(0)

  /// - Parameters:
  ///   - descriptor: stays open as long as the output is used; standard error by default.
  ///   - isTerminal: nil asks the descriptor; colour also needs `NO_COLOR` to be unset, which the caller looks after.
  package init(
    descriptor: Int32 = 2, format: LogFormat = .text, isTerminal: Bool? = nil, redactor: Redactor = .process
  ) {
    self.descriptor = descriptor
    self.format = format
    self.isTerminal = isTerminal ?? (isatty(descriptor) == 1)
    self.redactor = redactor
  }

  /// Writes one record. A descriptor that refuses (closed pipe, full disk) loses the line; the process goes on.
  package func write(_ record: LogRecord) {
    let line = record.line(format: format, isTerminal: isTerminal, redact: redactor.redact) + "\n"
    var bytes = Array(line.utf8)
    lost.withLock { lost in
      if !LogOutput.writeAll(&bytes, to: descriptor) { lost += 1 }
    }
  }

  /// Lines that could not be written so far.
  package var lostLines: Int { lost.withLock { $0 } }

  private static func writeAll(_ bytes: inout [UInt8], to descriptor: Int32) -> Bool {
    unsafe bytes.withUnsafeBytes { buffer in
      var start = 0
      while start < buffer.count {
        let count = unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: start), buffer.count - start)
        if count > 0 {
          start += count
        } else if count < 0 && errno == EAGAIN {
          var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          guard unsafe poll(&waiting, 1, 1000) > 0 else { return false }
        } else if count == 0 || errno != EINTR {
          return false
        }
      }
      return true
    }
  }
}
