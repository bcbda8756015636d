import CLinux
import Glibc

/// Bytes that must not leak: held in memory of their own that is kept out of swap and core dumps and is overwritten
/// before it is given back. It cannot be copied, printed or compared by accident; `SharedSecret` passes one around.
///
/// Locking into memory is best effort (`RLIMIT_MEMLOCK` may forbid it); overwriting is not. Sendable because the bytes
/// never change after creation and have exactly one owner.
@safe package struct Secret: ~Copyable, @unchecked Sendable {
  private let memory: UnsafeMutableRawPointer
  private let capacity: Int
  private let mapped: Bool
  /// The number of bytes of the secret.
  package private(set) var count: Int

  /// Takes whole pages from the system; when it has none to give, ordinary memory.
  private init(capacity wanted: Int) {
    let page = max(Int(sysconf(Int32(_SC_PAGESIZE))), 4096)
    let size = (max(wanted, 1) + page - 1) / page * page
    let region = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    capacity = size
    count = 0
    if let region = unsafe region, unsafe region != MAP_FAILED {
      unsafe memory = region
      mapped = true
      _ = unsafe mlock(region, size)
      _ = unsafe madvise(region, size, MADV_DONTDUMP)
      _ = unsafe madvise(region, size, MADV_WIPEONFORK)
    } else {
      unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
      mapped = false
    }
  }

  deinit {
    unsafe explicit_bzero(memory, capacity)
    if mapped {
      _ = unsafe munmap(memory, capacity)
    } else {
      unsafe memory.deallocate()
    }
  }

  /// Copies the bytes; the caller's own copy stays the caller's to overwrite.
  package static func copying(_ bytes: some Sequence<UInt8>) -> Secret {
    var secret = Secret(capacity: bytes.underestimatedCount)
    for byte in bytes {
      if secret.count == secret.capacity { secret = secret.grown() }
      unsafe secret.memory.storeBytes(of: byte, toByteOffset: secret.count, as: UInt8.self)
      secret.count += 1
    }
    return secret
  }

  /// A second secret with one zero byte more, for C functions that want a string.
  borrowing func terminated() -> Secret {
    var copy = Secret(capacity: count + 1)
    unsafe copy.memory.copyMemory(from: memory, byteCount: count)
    unsafe copy.memory.storeBytes(of: 0, toByteOffset: count, as: UInt8.self)
    copy.count = count + 1
    return copy
  }

  private consuming func grown() -> Secret {
    var larger = Secret(capacity: capacity * 2)
    unsafe larger.memory.copyMemory(from: memory, byteCount: count)
    larger.count = count
    return larger
  }

  /// Reads a mounted file straight into protected memory, as far as `limit` bytes.
  ///
  /// One line end at the end of the file (LF or CRLF) is not part of the secret, since editors and `echo` add it;
  /// keep it
  /// with `keepsLineEnd` for files where every byte counts.
  package static func read(
    path: String, limit: Int = SharedSecret.fileLimit, keepsLineEnd: Bool = false
  ) throws(SecretError) -> Secret {
    let file = try OpenFile(path: path)
    return try read(file, limit: limit, keepsLineEnd: keepsLineEnd)
  }

  /// The secret in an open file; see `read(path:limit:keepsLineEnd:)`.
  static func read(_ file: borrowing OpenFile, limit: Int, keepsLineEnd: Bool) throws(SecretError) -> Secret {
    let size = try file.checkedSize(limit: limit)
    var secret = Secret(capacity: size + 1)
    let area = unsafe UnsafeMutableRawBufferPointer(start: secret.memory, count: size + 1)
    let length = unsafe try file.read(into: area)
    guard length <= size else { throw SecretError(.changing, path: file.path) }
    secret.count = length
    if !keepsLineEnd { secret.dropLineEnd() }
    guard secret.count > 0 else { throw SecretError(.empty, path: file.path) }
    return secret
  }

  private mutating func dropLineEnd() {
    guard count > 0, unsafe memory.load(fromByteOffset: count - 1, as: UInt8.self) == 0x0A else { return }
    count -= 1
    if count > 0, unsafe memory.load(fromByteOffset: count - 1, as: UInt8.self) == 0x0D { count -= 1 }
  }

  /// Lends the bytes for the time of the call. Whoever copies them out must overwrite the copy.
  package borrowing func withBytes<R: ~Copyable, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    unsafe try body(UnsafeRawBufferPointer(start: memory, count: count))
  }
}
