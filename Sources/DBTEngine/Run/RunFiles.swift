import CLinux
import DBTContext
import DBTProject
import Glibc
import OrderedCollections
import PlainData

/// The files a run writes, all below one target folder; or none.
package struct RunFiles: Sendable {
  /// The two kinds of code that dbt keeps.
  enum Kind: String {
    /// A node's code with its templates rendered.
    case compiled
    /// The statement by which it was built.
    case run
  }

  /// An absolute path; nil writes nothing.
  let folder: String?
  /// The folder as messages show it, such as `target`.
  let shownFolder: String
  private let writesArtifacts: Bool

  /// - Parameters:
  ///   - folder: where to write, absolute; nil for nowhere.
  ///   - shown: how messages and artifacts name the folder.
  ///   - keepsArtifacts: false for code only (`--no-write-json`).
  package init(folder: String?, shown: String = "target", keepsArtifacts: Bool = true) {
    self.folder = folder
    writesArtifacts = keepsArtifacts
    shownFolder = shown
  }

  /// Whether `manifest.json` and the like are written.
  var keepsArtifacts: Bool { folder != nil && writesArtifacts }

  /// Whether files are written, so that a message may send its reader to one.
  var areKept: Bool { folder != nil }

  /// Writes a node's code and returns the path as dbt shows it, whether or not anything is written.
  ///
  /// - Parameter part: the name of the part of the node that the code is for, such as a batch: each has a file of its own.
  func write(_ code: String, _ kind: Kind, of node: Node, part: String? = nil) throws(DBTError) -> String {
    let path = Self.path(of: node)
    let relative = "\(kind.rawValue)/\(node.packageName)/\(part.map { Self.path(path, of: $0) } ?? path)"
    if let folder, node.resourceType != .sqlOperation {
      guard Self.staysInside(relative) else {
        throw DBTError(.runtime, "refused to write '\(relative)': it would leave the target folder")
      }
      let bytes = Array(code.utf8)
      // Most code is as the last run left it, and replacing a file costs several times what reading it does.
      if !Self.renew("\(folder)/\(relative)", holding: bytes) { try Self.write(bytes, to: "\(folder)/\(relative)") }
    }
    return "\(shownFolder)/\(relative)"
  }

  /// Writes an artifact such as `manifest.json`; returns its path, nil when nothing is written.
  func writeArtifact(_ name: String, _ document: PlainValue) throws(DBTError) -> String? {
    guard let folder, writesArtifacts else { return nil }
    try Self.write(document.jsonBytes(.python), to: "\(folder)/\(name)")
    return "\(folder)/\(name)"
  }

  /// Writes an artifact whose bytes come in pieces; returns its path, nil when nothing is written.
  ///
  /// - Parameter body: hands the pieces to the sink it is given.
  func writeArtifact(
    _ name: String, _ body: (([UInt8]) throws(DBTError) -> Void) throws(DBTError) -> Void
  ) throws(DBTError) -> String? {
    guard let folder, writesArtifacts else { return nil }
    try Self.write(to: "\(folder)/\(name)", body)
    return "\(folder)/\(name)"
  }

  /// The node's file, or a folder of its name with a file in it when the file makes several nodes.
  static func path(of node: Node) -> String {
    if node.resourceType == .snapshot { return "\(node.originalFilePath)/\(node.name).sql" }
    let isOwnFile = base(node.path) == base(node.originalFilePath)
    return isOwnFile ? node.originalFilePath : "\(node.originalFilePath)/\(node.path)"
  }

  /// `models/orders.sql` becomes `models/orders/orders_PART.sql`.
  private static func path(_ path: String, of part: String) -> String {
    let name = base(path)
    let folder = path.dropLast(name.count)
    let stem = name.lastIndex(of: ".").map { name[..<$0] } ?? name
    return "\(folder)\(stem)/\(stem)_\(part)\(name.dropFirst(stem.count))"
  }

  private static func base(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }

  private static func staysInside(_ path: String) -> Bool {
    !path.hasPrefix("/") && !path.split(separator: "/").contains("..")
  }

  /// The bytes of a file; nil when it cannot be read or has more than `limit`.
  static func read(_ path: String, limit: Int) -> [UInt8]? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
      return nil
    }
    let size = Int(status.st_size)
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let read = unsafe Glibc.read(file, buffer.baseAddress?.advanced(by: count), size - count)
        if read < 0, errno == EINTR { continue }
        guard read > 0 else { break }
        count += read
      }
    }
    return bytes.count == size ? bytes : nil
  }

  /// Gives a file that already holds the bytes the time of now, as if it had been written; false when it was not done.
  private static func renew(_ path: String, holding bytes: [UInt8]) -> Bool {
    guard read(path, limit: bytes.count) == bytes else { return false }
    return unsafe utimensat(AT_FDCWD, path, nil, 0) == 0
  }

  /// Replaces a file by rename, so that no reader sees half of it, making the folders above it.
  static func write(_ bytes: [UInt8], to path: String) throws(DBTError) {
    try write(to: path) { (sink) throws(DBTError) in try sink(bytes) }
  }

  /// The same for bytes that come in pieces.
  private static func write(
    to path: String, _ body: (([UInt8]) throws(DBTError) -> Void) throws(DBTError) -> Void
  ) throws(DBTError) {
    let temporary = "\(path).\(UInt64.random(in: 0...UInt64.max)).part"
    var file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if file < 0, errno == ENOENT {
      try makeFolders(above: path)
      file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    }
    guard file >= 0 else { throw failure("create", temporary) }
    do throws(DBTError) {
      try body { (bytes) throws(DBTError) in
        var done = 0
        while done < bytes.count {
          let count = unsafe bytes.withUnsafeBytes { area in
            unsafe Glibc.write(file, area.baseAddress?.advanced(by: done), area.count - done)
          }
          if count < 0, errno == EINTR { continue }
          guard count >= 0 else { throw failure("write", temporary) }
          done += count
        }
      }
    } catch {
      close(file)
      unsafe unlink(temporary)
      throw error
    }
    close(file)
    guard unsafe rename(temporary, path) == 0 else { throw failure("replace", path) }
  }

  private static func makeFolders(above path: String) throws(DBTError) {
    var current = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/").dropLast() {
      current += "/\(part)"
      guard unsafe mkdir(current, 0o755) != 0, errno != EEXIST else { continue }
      throw failure("make the folder", current)
    }
  }

  private static func failure(_ action: String, _ path: String) -> DBTError {
    let code = errno
    return DBTError(.runtime, "cannot \(action) '\(path)': \(unsafe String(cString: strerror(code)))")
  }
}
