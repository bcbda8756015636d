internal import COpenSSL

/// A memory buffer as OpenSSL reads and writes it. Owns the object unless it was handed to a session.
@safe final class MemoryBIO {
  /// The object, for calls that borrow it.
  let handle: OpaquePointer

  /// An empty buffer for reading and writing.
  init?() {
    guard let handle = unsafe BIO_new(BIO_s_mem()) else { return nil }
    unsafe self.handle = handle
    unsafe sly_bio_set_retry_when_empty(handle)
  }

  /// A buffer with a copy of the bytes; not for secrets.
  init?(reading bytes: [UInt8]) {
    guard bytes.count <= Int(Int32.max), let handle = unsafe BIO_new(BIO_s_mem()) else { return nil }
    unsafe self.handle = handle
    let written = unsafe bytes.withUnsafeBytes { unsafe BIO_write(handle, $0.baseAddress, Int32($0.count)) }
    guard written == Int32(bytes.count) || bytes.isEmpty else { return nil }
  }

  deinit { unsafe BIO_free_all(handle) }

  /// Appends bytes.
  func write(_ bytes: UnsafeRawBufferPointer) {
    var rest = unsafe bytes
    while unsafe !rest.isEmpty {
      let count = unsafe BIO_write(handle, rest.baseAddress, Int32(clamping: rest.count))
      guard count > 0 else { return }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest[Int(count)...])
    }
  }

  /// How many bytes wait.
  var count: Int { unsafe Int(sly_bio_pending(handle)) }

  /// Removes and returns everything.
  func takeAll() -> [UInt8] {
    let waiting = count
    guard waiting > 0 else { return [] }
    return unsafe [UInt8](unsafeUninitializedCapacity: waiting) { area, filled in
      filled = unsafe max(0, Int(BIO_read(handle, area.baseAddress, Int32(clamping: waiting))))
    }
  }
}
