import CLinux
import Glibc

/// One open descriptor of a mounted file and the checks made on it: on the descriptor, never on the name, so that a
/// swap of the file between check and read cannot fool them.
struct OpenFile: ~Copyable {
  /// As the user gave it.
  let path: String
  private let descriptor: Int32

  /// Opens without following into pipes or devices that would block.
  init(path: String) throws(SecretError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      let code = errno
      throw SecretError(code == ENOENT || code == ENOTDIR ? .missing : .unreadable(errno: code), path: path)
    }
    self.path = path
    self.descriptor = descriptor
  }

  /// Opens a name beneath a folder, as `init(path:)` does. `path` is for messages.
  init(name: String, in folder: borrowing OpenFolder, path: String) throws(SecretError) {
    let descriptor = folder.beneath(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      let code = errno
      throw SecretError(code == ENOENT || code == ENOTDIR ? .missing : .unreadable(errno: code), path: path)
    }
    self.path = path
    self.descriptor = descriptor
  }

  deinit { _ = close(descriptor) }

  /// Whether every user of the machine may read it.
  var isReadableByEveryone: Bool {
    get throws(SecretError) { try status().st_mode & S_IROTH != 0 }
  }

  /// Whether the file is mounted by itself (`subPath`), so that a replaced volume never shows here.
  var isMountRoot: Bool { sly_is_mount_root(descriptor) == 1 }

  /// What identifies the content: any replacement or rewrite of the file changes at least one of these.
  var identity: FileIdentity {
    get throws(SecretError) { FileIdentity(try status()) }
  }

  private func status() throws(SecretError) -> stat {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw SecretError(.unreadable(errno: errno), path: path) }
    return status
  }

  /// The size in bytes of a regular file no longer than `limit` that not everybody may write.
  func checkedSize(limit: Int) throws(SecretError) -> Int {
    let status = try status()
    guard status.st_mode & S_IFMT == S_IFREG else { throw SecretError(.notAFile, path: path) }
    guard status.st_mode & S_IWOTH == 0 else { throw SecretError(.worldWritable, path: path) }
    guard status.st_size <= limit else { throw SecretError(.tooLarge(limit: limit), path: path) }
    return Int(status.st_size)
  }

  /// Reads until the buffer is full or the file ends; answers the number of bytes read.
  func read(into area: UnsafeMutableRawBufferPointer) throws(SecretError) -> Int {
    var length = 0
    while length < area.count {
      let got = unsafe Glibc.read(descriptor, area.baseAddress?.advanced(by: length), area.count - length)
      if got == 0 { break }
      if got < 0 {
        if errno == EINTR { continue }
        throw SecretError(.unreadable(errno: errno), path: path)
      }
      length += got
    }
    return length
  }
}

/// Device, inode, size and times of a file's content.
struct FileIdentity: Hashable, Sendable {
  /// The file system.
  let device: UInt64
  /// The file on it.
  let inode: UInt64
  /// Bytes.
  let size: Int64
  /// When the content changed: seconds and nanoseconds.
  let modified: [Int]
  /// When the content or the rights changed: seconds and nanoseconds.
  let changed: [Int]

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
    changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
  }

  /// The identity of what a path leads to now.
  static func of(path: String) throws(SecretError) -> FileIdentity {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      let code = errno
      throw SecretError(code == ENOENT || code == ENOTDIR ? .missing : .unreadable(errno: code), path: path)
    }
    return FileIdentity(status)
  }
}
