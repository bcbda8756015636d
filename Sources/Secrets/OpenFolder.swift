import CLinux
import Glibc

/// One open descriptor of a folder. What is opened beneath it belongs to the folder that the path led to at the time of
/// opening, also when the path has been led elsewhere since: the files of one generation of a mounted volume.
struct OpenFolder: ~Copyable {
  /// As the user gave it, for messages.
  let path: String
  private let descriptor: Int32

  private static let flags = O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NONBLOCK

  /// Opens a folder. `SecretError.notAFolder` when something else stands there.
  init(path: String) throws(SecretError) {
    let descriptor = unsafe Glibc.open(path, Self.flags)
    guard descriptor >= 0 else { throw Self.failure(errno, path: path) }
    self.path = path
    self.descriptor = descriptor
  }

  /// Opens a folder beneath another. `path` is for messages.
  init(name: String, in folder: borrowing OpenFolder, path: String) throws(SecretError) {
    let descriptor = folder.beneath(name, Self.flags)
    guard descriptor >= 0 else { throw Self.failure(errno, path: path) }
    self.path = path
    self.descriptor = descriptor
  }

  deinit { _ = close(descriptor) }

  private static func failure(_ code: Int32, path: String) -> SecretError {
    switch code {
    case ENOENT: SecretError(.missing, path: path)
    case ENOTDIR: SecretError(.notAFolder, path: path)
    default: SecretError(.unreadable(errno: code), path: path)
    }
  }

  /// Opens a name beneath the folder; links may not lead out of it. -1 and `errno` on failure.
  ///
  /// Where a seccomp filter or an old kernel lacks openat2, openat serves: the mounts are trusted, this is a second
  /// fence.
  func beneath(_ name: String, _ flags: Int32) -> Int32 {
    let found = unsafe sly_open_beneath(descriptor, name, flags)
    guard found < 0, errno == ENOSYS || errno == EPERM else { return found }
    return unsafe openat(descriptor, name, flags)
  }

  /// The names in the folder in byte order, without those that begin with a dot.
  ///
  /// - Throws: `SecretError.tooMany` when there are more than `limit`.
  func names(limit: Int) throws(SecretError) -> [String] {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0, let listing = unsafe fdopendir(copy) else {
      let code = errno
      if copy >= 0 { _ = close(copy) }
      throw SecretError(.unreadable(errno: code), path: path)
    }
    defer { unsafe closedir(listing) }
    unsafe rewinddir(listing)
    var names: [String] = []
    while let entry = unsafe readdir(listing) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { area in
        unsafe area.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      guard !name.hasPrefix(".") else { continue }
      guard names.count < limit else { throw SecretError(.tooMany(limit: limit), path: path) }
      names.append(name)
    }
    return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
  }
}
