import CLinux
import Glibc

/// Texts without blanks around them.
package enum Blanks {
  /// Removes white space at both ends, as Python's `strip()`.
  package static func trimmed(_ text: some StringProtocol) -> String {
    var rest = Substring(text)
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest)
  }
}

/// Durations as texts.
package enum Seconds {
  /// With a fixed number of digits after the point, rounded half away from zero.
  package static func text(_ seconds: Double, digits: Int = 2) -> String {
    guard seconds.isFinite, abs(seconds) < 1e12 else { return String(seconds) }
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let whole = Int((abs(seconds) * Double(scale)).rounded())
    let fraction = String(whole % scale)
    let sign = seconds < 0 && whole > 0 ? "-" : ""
    guard digits > 0 else { return sign + String(whole) }
    return "\(sign)\(whole / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
  }
}

/// Waiting on the engine's own threads.
enum Pause {
  /// Waits, but no longer than a tenth of a second after a cancellation.
  static func wait(seconds: Double, unless cancellation: Cancellation) {
    var left = seconds
    while left > 0, !cancellation.isCancelled {
      let step = min(left, 0.1)
      var time = timespec(tv_sec: 0, tv_nsec: Int(step * 1_000_000_000))
      _ = unsafe nanosleep(&time, nil)
      left -= step
    }
  }
}
