import Glibc

/// What this process has used so far.
struct ProcessReading: Sendable {
  /// User and system time of all threads, in seconds.
  let processor: Double
  /// Monotonic time, in seconds.
  let time: Double

  /// Takes a reading.
  static func now() -> ProcessReading {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return ProcessReading(
      processor: seconds(usage.ru_utime) + seconds(usage.ru_stime), time: Double(monotonicNanoseconds()) / 1e9)
  }

  /// A field of `/proc/self/status` that is a size, in bytes; zero when it is not there.
  ///
  /// `VmHWM` is the most that was ever resident (`ru_maxrss` begins at what the parent held when it forked), `RssAnon` what
  /// is resident now and belongs to this process alone: not the pages of its program and libraries.
  static func bytes(of field: String) -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix(field + ":") else { continue }
      return 1_024 * (Int(text.filter(\.isNumber)) ?? 0)
    }
    return 0
  }

  /// The monotonic clock.
  static func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  private static func seconds(_ value: timeval) -> Double { Double(value.tv_sec) + Double(value.tv_usec) / 1e6 }
}
