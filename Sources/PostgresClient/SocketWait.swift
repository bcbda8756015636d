import CLinux
import Glibc

/// Waiting for a socket that libpq owns.
enum SocketWait {
  /// Whether one of the events, an error or the end came before the given time.
  static func wait(_ descriptor: Int32, _ events: Int32, at deadline: ContinuousClock.Instant) -> Bool {
    guard descriptor >= 0 else { return true }
    while true {
      let left = deadline - .now
      let (seconds, attoseconds) = left.components
      let milliseconds = left <= .zero ? 0 : seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1
      var entry = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0)
      let ready = unsafe poll(&entry, 1, Int32(clamping: milliseconds))
      if ready > 0 { return true }
      if ready == 0 { return false }
      guard errno == EINTR else { return true }
    }
  }
}

/// Lending arrays of strings to C.
enum CStrings {
  /// Lends the strings as a C array; nil becomes a null pointer.
  static func withPointers<R>(
    _ strings: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) throws -> R
  ) rethrows -> R {
    unsafe try withPointers(strings, last: nil, body)
  }

  /// The same with one more pointer, lent by the caller, and a null pointer after it.
  static func withPointers<R>(
    _ strings: [String?], last: UnsafePointer<CChar>?, _ body: (UnsafePointer<UnsafePointer<CChar>?>?) throws -> R
  ) rethrows -> R {
    let copies = unsafe strings.map { text -> UnsafeMutablePointer<CChar>? in
      guard let text else { return nil }
      return unsafe strdup(text)
    }
    defer {
      let count = unsafe copies.count
      for index in 0..<count { unsafe free(copies[index]) }
    }
    let pointers = unsafe copies.map { unsafe UnsafePointer($0) } + [last, nil]
    return unsafe try pointers.withUnsafeBufferPointer { area in unsafe try body(area.baseAddress) }
  }
}
