import CLinux
import Glibc

/// Changes files and folders of a project, for `deps` and the assets of `docs generate`: the only part of this target that writes.
enum FileTree {
  /// Whether the path is a symbolic link.
  static func isLink(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Makes a folder and those above it.
  static func makeFolder(_ path: String) throws(ProjectError) {
    var current = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      current += "/\(part)"
      if unsafe mkdir(current, 0o755) != 0, errno != EEXIST { throw failure("make the folder", current) }
    }
  }

  /// Makes a folder in one that is there; nothing happens when it is there already.
  static func makeOneFolder(_ path: String) throws(ProjectError) {
    guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST else { throw failure("make the folder", path) }
  }

  /// Makes a new folder that only this user may enter.
  static func makeTemporaryFolder(below base: String, named prefix: String) throws(ProjectError) -> String {
    try makeFolder(base)
    let path = "\(base)/\(prefix)\(UInt64.random(in: 0...UInt64.max))"
    guard unsafe mkdir(path, 0o700) == 0 else { throw failure("make the folder", path) }
    return path
  }

  /// Moves a file or folder within a file system.
  static func move(_ path: String, to target: String) throws(ProjectError) {
    guard unsafe rename(path, target) == 0 else { throw failure("move to '\(target)' what is", path) }
  }

  /// - Parameter skipsGit: whether the folder `.git` at the top is git's own, which made it.
  /// - Throws: a dependency error when a link below a folder leads out of it.
  static func checkLinks(_ root: String, skipsGit: Bool = true) throws(ProjectError) {
    guard let real = resolved(root) else { throw failure("find", root) }
    try checkLinks(root, root: real, shown: "", depth: skipsGit ? 0 : 1)
  }

  private static func checkLinks(_ folder: String, root: String, shown: String, depth: Int) throws(ProjectError) {
    guard depth < 100 else { throw ProjectError(.dependency, "folders are nested too deeply: \(shown)") }
    for entry in try FileReader.list(folder) where depth > 0 || entry.name != ".git" {
      let path = "\(folder)/\(entry.name)"
      let name = shown + entry.name
      if isLink(path) {
        guard let target = resolved(path), target.hasPrefix(root + "/") else {
          throw ProjectError(.dependency, "The link '\(name)' of the package leads nowhere inside of it")
        }
      } else if entry.isFolder {
        try checkLinks(path, root: root, shown: name + "/", depth: depth + 1)
      }
    }
  }

  /// The path without links; nil when it leads nowhere.
  private static func resolved(_ path: String) -> String? {
    guard let text = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }

  /// Makes a symbolic link.
  static func link(_ path: String, to target: String) throws(ProjectError) {
    guard unsafe symlink(target, path) == 0 else { throw failure("make the link", path) }
  }

  /// Removes a file, a link (never what it leads to) or a whole folder. Nothing happens when there is none.
  static func remove(_ path: String, depth: Int = 0) throws(ProjectError) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      guard unsafe unlink(path) == 0 else { throw failure("remove", path) }
      return
    }
    guard depth < 100 else { throw ProjectError(.runtime, "folders are nested too deeply to remove: \(path)") }
    for entry in try FileReader.list(path) { try remove("\(path)/\(entry.name)", depth: depth + 1) }
    guard unsafe rmdir(path) == 0 else { throw failure("remove", path) }
  }

  /// Replaces a file by rename, so that no reader sees half of it.
  static func write(_ bytes: [UInt8], to path: String) throws(ProjectError) {
    try write(to: path) { descriptor throws(ProjectError) in try append(bytes[...], to: descriptor, path) }
  }

  /// Writes a file in a folder that nobody else may enter, in place of one that is there; never through a link.
  ///
  /// - Parameters:
  ///   - mode: its permissions, whatever the umask.
  ///   - piece: gives its next bytes, none at the end.
  static func writeFile(
    _ path: String, mode: mode_t, piece: () throws(ProjectError) -> [UInt8]
  ) throws(ProjectError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("create", path) }
    defer { close(descriptor) }
    while true {
      let bytes = try piece()
      if bytes.isEmpty { break }
      try append(bytes[...], to: descriptor, path)
    }
    guard fchmod(descriptor, mode) == 0 else { throw failure("set the permissions of", path) }
  }

  /// Copies what a file holds, of any size, replacing the other one.
  ///
  /// - Parameter mode: the permissions of the copy, whatever the umask; nil: a new file's.
  static func copy(_ source: String, to path: String, mode: mode_t? = nil) throws(ProjectError) {
    let reader = unsafe open(source, O_RDONLY | O_CLOEXEC)
    guard reader >= 0 else { throw failure("read", source) }
    defer { close(reader) }
    try write(to: path) { descriptor throws(ProjectError) in
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = unsafe Glibc.read(reader, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw failure("read", source) }
        if count == 0 {
          guard mode.map({ fchmod(descriptor, $0) == 0 }) ?? true else { throw failure("set the permissions of", path) }
          return
        }
        try append(buffer[..<count], to: descriptor, path)
      }
    }
  }

  private static func write(
    to path: String, _ body: (CInt) throws(ProjectError) -> Void
  ) throws(ProjectError) {
    let temporary = "\(path).\(UInt64.random(in: 0...UInt64.max)).part"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("create", temporary) }
    do throws(ProjectError) {
      try body(descriptor)
    } catch {
      close(descriptor)
      unsafe unlink(temporary)
      throw error
    }
    close(descriptor)
    guard unsafe rename(temporary, path) == 0 else {
      let error = failure("replace", path)
      unsafe unlink(temporary)
      throw error
    }
  }

  private static func append(_ bytes: ArraySlice<UInt8>, to descriptor: CInt, _ path: String) throws(ProjectError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { area in
        unsafe Glibc.write(descriptor, area.baseAddress, area.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("write", path) }
      rest = rest.dropFirst(count)
    }
  }

  private static func failure(_ action: String, _ path: String) -> ProjectError {
    let reason = unsafe String(cString: strerror(errno))
    return ProjectError(.runtime, "cannot \(action) '\(path)': \(reason)")
  }
}
