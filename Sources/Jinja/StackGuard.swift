import Glibc

/// Knows how far this thread's stack may still grow.
struct StackGuard {
  /// The lowest address that code may reach before a limit error is raised.
  private let floor: UInt

  /// Bytes always left for the code between two checks, and for the host.
  private static let reserve: UInt = 96 << 10

  /// At most `bytes` from here, and never into the last 96 KiB of the thread's stack.
  init(bytes: Int) {
    let here = Self.here()
    let bottom = Self.stackBottom() + Self.reserve
    let wanted = here > UInt(max(0, bytes)) ? here - UInt(max(0, bytes)) : 0
    floor = max(bottom, wanted)
  }

  @inline(__always)
  var isExhausted: Bool { Self.here() < floor }

  /// The address of a local variable.
  @inline(__always)
  private static func here() -> UInt {
    var marker: UInt8 = 0
    return unsafe withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
  }

  /// The lowest address of the thread's stack, asked once per thread.
  private static func stackBottom() -> UInt {
    if let known = unsafe pthread_getspecific(key) { return UInt(bitPattern: known) }
    var attributes = pthread_attr_t()
    guard let read = unsafe readAttributes, unsafe read(pthread_self(), &attributes) == 0 else {
      // Unknown: allow 256 KiB from here, which every thread has.
      return here() - min(here(), 256 << 10)
    }
    defer { unsafe _ = pthread_attr_destroy(&attributes) }
    var address: UnsafeMutableRawPointer?
    var size = 0
    guard unsafe pthread_attr_getstack(&attributes, &address, &size) == 0 else {
      return here() - min(here(), 256 << 10)
    }
    unsafe pthread_setspecific(key, address)
    return UInt(bitPattern: address)
  }

  private typealias ReadAttributes = @convention(c) (pthread_t, UnsafeMutablePointer<pthread_attr_t>) -> Int32

  /// glibc's `pthread_getattr_np`, which its headers show to GNU C only.
  private static let readAttributes: ReadAttributes? = {
    guard let symbol = unsafe dlsym(nil, "pthread_getattr_np") else { return nil }
    return unsafe unsafeBitCast(symbol, to: ReadAttributes.self)
  }()

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    unsafe pthread_key_create(&key, nil)
    return key
  }()
}
