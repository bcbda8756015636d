import CLinux
import Glibc

/// Reads files and folders of a project. The only place of this target that touches the file system.
enum FileReader {
  /// Bytes that a file of a project may have; seeds are not read whole here.
  static let limit = 64 << 20

  /// Whether there is a regular file (or a link to one) at the path.
  static func isFile(_ path: String) -> Bool { mode(path).map { $0 & S_IFMT == S_IFREG } ?? false }

  /// Whether there is a folder (or a link to one) at the path.
  static func isFolder(_ path: String) -> Bool { mode(path).map { $0 & S_IFMT == S_IFDIR } ?? false }

  /// The size of a file in bytes; nil when it cannot be examined.
  static func size(_ path: String) -> Int? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_size) : nil
  }

  /// All bytes of a file.
  ///
  /// - Throws: a runtime error that names the file and the system's reason, also for more than `limit` bytes.
  static func read(_ path: String, limit: Int = FileReader.limit) throws(ProjectError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("Could not read", path) }
    defer { close(descriptor) }
    var status = stat()
    let size = unsafe fstat(descriptor, &status) == 0 ? max(0, Int(status.st_size)) : 0
    var bytes: [UInt8] = []
    // Room for one byte more than the file should have, so that the read that fills it is the last but one.
    var room = min(size, limit) + 1
    while true {
      var count = 0
      let part = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
        count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        filled = max(0, count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("Could not read", path) }
      if count == 0 { return bytes }
      if bytes.isEmpty { bytes = part } else { bytes += part }
      guard bytes.count <= limit else {
        throw ProjectError(.runtime, "The file has more bytes than the limit of \(limit)", path: path)
      }
      room = max(1 << 10, room - part.count)
    }
  }

  /// The text of a file in UTF-8.
  ///
  /// - Throws: as `read`, and when the bytes are not UTF-8.
  static func text(_ path: String, named name: String) throws(ProjectError) -> String {
    var bytes = try read(path)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ProjectError(.runtime, "The file is not valid UTF-8: \(name)", path: name)
    }
    return text
  }

  /// The names in a folder, sorted by bytes, with whether each is a folder. Empty when the folder does not exist.
  static func list(_ path: String) throws(ProjectError) -> [(name: String, isFolder: Bool)] {
    guard let folder = unsafe opendir(path) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw failure("Could not list", path)
    }
    defer { unsafe closedir(folder) }
    var entries: [(name: String, isFolder: Bool)] = []
    while let entry = unsafe readdir(folder) {
      let (kind, name) = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
          unsafe (entry.pointee.d_type, String(cString: text))
        }
      }
      guard name != ".", name != ".." else { continue }
      let isKnown = kind == DT_DIR || kind == DT_REG
      entries.append((name, isKnown ? kind == DT_DIR : isFolder(path + "/" + name)))
    }
    return entries.sorted { $0.name.precedes($1.name) }
  }

  private static func mode(_ path: String) -> mode_t? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status.st_mode : nil
  }

  private static func failure(_ action: String, _ path: String) -> ProjectError {
    let reason = unsafe String(cString: strerror(errno))
    return ProjectError(.runtime, "\(action) \(path): \(reason)")
  }
}
