import CLinux
import Glibc
import Observability

/// What the file system says of a mounted file, without a look at what stands in it.
struct FileInspection: Sendable, Hashable {
  /// How a new content would reach this process.
  enum Renewal: String, Sendable, Hashable {
    /// A volume of Kubernetes, whose files are replaced together (`..data`).
    case volume
    /// The file is a mount point of its own (`subPath`, a single bound file): it keeps the old content for ever.
    case never = "never"
    /// An ordinary file.
    case ordinary
  }

  /// As the user gave it.
  let path: String
  /// The `errno` value of the attempt to open it; nil: it could be opened.
  var failure: Int32?
  /// Whether it is a regular file.
  var isRegular = false
  /// The lowest twelve bits of its mode.
  var mode: UInt32 = 0
  /// The numbers of user and group that own it.
  var owner: UInt32 = 0, group: UInt32 = 0
  /// Bytes.
  var size = 0
  /// How a new content would arrive.
  var renewal = Renewal.ordinary

  /// Looks at what a path leads to.
  ///
  /// - Parameter mounts: the mount points of this process.
  static func inspect(_ path: String, mounts: Set<String>) -> FileInspection {
    var found = FileInspection(path: path)
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      found.failure = errno
      return found
    }
    defer { _ = close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      found.failure = errno
      return found
    }
    found.isRegular = status.st_mode & S_IFMT == S_IFREG
    found.mode = UInt32(status.st_mode) & 0o7777
    (found.owner, found.group) = (status.st_uid, status.st_gid)
    found.size = Int(status.st_size)
    found.renewal = renewal(of: path, mounts)
    return found
  }

  private static func renewal(of path: String, _ mounts: Set<String>) -> Renewal {
    if mounts.contains(Folder.absolute(path)) || mounts.contains(path) { return .never }
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    var status = stat()
    let link = (folder.isEmpty ? "" : folder + "/") + "..data"
    guard unsafe lstat(link, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return .ordinary }
    return .volume
  }

  /// The rights as `ls` would not show them: octal, four digits.
  var modeText: String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}

/// What counts as fit for a file of credentials or configuration: pure decisions on what was seen.
struct FileRules: Sendable {
  /// A verdict with its reason and what to do.
  struct Verdict: Sendable, Hashable {
    var status: DoctorReport.Status
    var reason: String?
    var advice: String?
  }

  /// Who this process is.
  let user: UInt32

  /// The verdict.
  ///
  /// - Parameters:
  ///   - isSecret: nobody else should be able to read it.
  ///   - limit: the most bytes that such a file may have.
  func judge(_ file: FileInspection, isSecret: Bool, limit: Int = 1 << 20) -> Verdict {
    if let failure = file.failure {
      let isMissing = failure == ENOENT || failure == ENOTDIR
      return Verdict(
        status: .failed, reason: isMissing ? "there is no file at '\(file.path)'" : "'\(file.path)' cannot be read",
        advice: isMissing
          ? "check the path, and that the volume with it is mounted"
          : "give user \(user) the right to read it (Kubernetes: `defaultMode: 0440` and `fsGroup`)")
    }
    guard file.isRegular else {
      return Verdict(
        status: .failed, reason: "'\(file.path)' is no regular file",
        advice: "name the file itself, not a folder, pipe or device")
    }
    if file.size == 0 || file.size > limit {
      return Verdict(
        status: .failed, reason: "'\(file.path)' has \(file.size) bytes",
        advice: "check that this is the right file and that it was filled in before it was mounted")
    }
    if file.mode & 0o002 != 0 {
      return Verdict(
        status: .failed, reason: "every user of the machine may rewrite '\(file.path)'", advice: "chmod o-w it")
    }
    return caution(file, isSecret: isSecret)
  }

  private func caution(_ file: FileInspection, isSecret: Bool) -> Verdict {
    if isSecret && file.mode & 0o004 != 0 {
      return Verdict(
        status: .warning, reason: "every user of the machine may read the secret in '\(file.path)'",
        advice: "chmod o-r it (Kubernetes: `defaultMode: 0440` and `fsGroup`)")
    }
    if file.renewal == .never {
      return Verdict(
        status: .warning, reason: "'\(file.path)' is mounted by itself (subPath?), so that a renewal never reaches it",
        advice: "mount the whole volume as a folder and name the file in it")
    }
    if file.owner != 0 && file.owner != user {
      return Verdict(
        status: .warning, reason: "'\(file.path)' belongs to user \(file.owner), who may replace it",
        advice: "let root or user \(user) own it")
    }
    return Verdict(status: .ok)
  }
}

/// The mounts of this process (proc(5), `/proc/PID/mountinfo`).
struct MountTable: Sendable {
  /// One mount.
  struct Mount: Sendable, Hashable {
    var target: String
    var kind: String
    var isReadOnly: Bool
  }

  /// In the order of mounting: the last at a path is the one that shows.
  let mounts: [Mount]

  /// The table as of now; empty when it cannot be read.
  static func read() -> MountTable { MountTable(text: ProcFile.read("/proc/self/mountinfo") ?? "") }

  /// Reads the text of the kernel's table.
  init(text: String) {
    mounts = text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ").map(String.init)
      guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { return nil }
      return Mount(
        target: MountTable.plain(fields[4]), kind: fields[dash + 1],
        isReadOnly: fields[5].split(separator: ",").contains("ro"))
    }
  }

  /// The points where something is mounted.
  var targets: Set<String> { Set(mounts.map(\.target)) }

  /// Undoes the kernel's escapes for spaces and the like: `\040`.
  private static func plain(_ text: String) -> String {
    guard text.contains("\\") else { return text }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), rest.count >= 3,
        let number = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
      {
        bytes.append(number)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
