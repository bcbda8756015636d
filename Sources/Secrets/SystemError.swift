import CLinux
import Glibc

/// Texts of `errno` values.
enum SystemError {
  /// The system's sentence for an error number, such as "Permission denied". Safe on any thread.
  static func text(_ number: Int32) -> String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let start = buffer.baseAddress else { return "error \(number)" }
      unsafe buffer.initialize(repeating: 0)
      guard unsafe strerror_r(number, start, buffer.count - 1) == 0 else { return "error \(number)" }
      return unsafe String(cString: start)
    }
  }
}
