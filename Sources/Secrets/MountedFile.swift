import CLinux
import Glibc
import Synchronization

/// A file that somebody else mounts and may replace: certificates, bundles, configuration. Its content is read again
/// when device, inode, size or times differ from the last read. For secrets use `SecretFile`.
package final class MountedFile: Sendable {
  /// As the user gave it; links in it are followed at each read.
  package let path: String
  /// The most bytes accepted.
  package let limit: Int
  private let cache: Mutex<Reread<[UInt8]>>

  /// Reads nothing yet.
  package init(path: String, limit: Int = 1 << 20) {
    self.path = path
    self.limit = limit
    cache = Mutex(Reread())
  }

  /// The content as of now. Blocks on the file system: not for the event loop's thread.
  package func current() throws(SecretError) -> [UInt8] {
    try cache.withLock { (cache) throws(SecretError) in
      try cache.current(path: path) { (file) throws(SecretError) in try MountedFile.read(file, limit: limit) }
    }
  }

  /// How many different contents have been read so far: 0 before the first read.
  package var generation: Int { cache.withLock { $0.generation } }

  /// Reads a regular file of at most `limit` bytes.
  package static func read(_ path: String, limit: Int = 1 << 20) throws(SecretError) -> [UInt8] {
    try Reread<[UInt8]>.steady(path: path) { (file) throws(SecretError) in try read(file, limit: limit) }.content
  }

  /// The content of an open file.
  static func read(_ file: borrowing OpenFile, limit: Int) throws(SecretError) -> [UInt8] {
    let size = try file.checkedSize(limit: limit)
    var bytes = [UInt8](repeating: 0, count: size + 1)
    var failure: SecretError?
    let length = unsafe bytes.withUnsafeMutableBytes { area -> Int in
      do throws(SecretError) {
        return unsafe try file.read(into: area)
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    guard length <= size else { throw SecretError(.changing, path: file.path) }
    bytes.removeLast(bytes.count - length)
    return bytes
  }
}

/// A secret in a mounted file that may be replaced while the process runs, such as a rotated API key.
package final class SecretFile: Sendable {
  /// As the user gave it; links in it are followed at each read.
  package let path: String
  /// The most bytes accepted.
  package let limit: Int
  private let cache: Mutex<Reread<SharedSecret>>

  /// Reads nothing yet.
  package init(path: String, limit: Int = SharedSecret.fileLimit) {
    self.path = path
    self.limit = limit
    cache = Mutex(Reread())
  }

  /// The secret as of now; the same object until the file changes. Blocks on the file system.
  package func current() throws(SecretError) -> SharedSecret {
    try cache.withLock { (cache) throws(SecretError) in
      try cache.current(path: path) { (file) throws(SecretError) in
        SharedSecret(try Secret.read(file, limit: limit, keepsLineEnd: false))
      }
    }
  }

  /// How many different contents have been read so far: 0 before the first read.
  package var generation: Int { cache.withLock { $0.generation } }
}

/// The last content read from a path and the identity the file had then.
struct Reread<Content: Sendable>: Sendable {
  private var last: (identity: FileIdentity, content: Content)?
  private(set) var generation = 0

  /// Attempts made before a file that keeps changing is given up.
  static var attempts: Int { 3 }

  /// The content as of now, read only when the file has changed.
  mutating func current(
    path: String, _ read: (borrowing OpenFile) throws(SecretError) -> Content
  ) throws(SecretError) -> Content {
    if let last, last.identity == (try FileIdentity.of(path: path)) { return last.content }
    let fresh = try Reread.steady(path: path, read)
    last = fresh
    generation += 1
    return fresh.content
  }

  /// Reads a file whose identity is the same before and after.
  static func steady(
    path: String, _ read: (borrowing OpenFile) throws(SecretError) -> Content
  ) throws(SecretError) -> (identity: FileIdentity, content: Content) {
    for _ in 0..<attempts {
      let file = try OpenFile(path: path)
      let before = try file.identity
      let content: Content
      do throws(SecretError) {
        content = try read(file)
      } catch {
        if error.code == .changing { continue }
        throw error
      }
      if try file.identity == before { return (before, content) }
    }
    throw SecretError(.changing, path: path)
  }
}
