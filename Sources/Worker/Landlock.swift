import CLinux
import Glibc

/// Landlock (landlock(7)): rights that a thread gives up for itself and for the threads it makes, for good.
enum Landlock {
  /// What a ruleset can speak of grows with the kernel; what an older one lacks is left out.
  struct Version: Sendable, Hashable, Comparable {
    /// The kernel's number; 0: there is no Landlock.
    let number: Int

    static func < (left: Version, right: Version) -> Bool { left.number < right.number }

    /// This kernel's.
    static var ofKernel: Version { Version(number: max(0, Int(sly_landlock_version()))) }

    /// Whether files and folders can be closed off (Linux 5.13).
    var knowsFiles: Bool { number >= 1 }
    /// Whether TCP ports can (Linux 6.7).
    var knowsPorts: Bool { number >= 4 }

    /// Every kind of access to files that the version can deny.
    var fileAccess: FileAccess {
      var access: FileAccess = FileAccess(rawValue: (1 << 13) - 1)
      if number >= 2 { access.insert(.link) }
      if number >= 3 { access.insert(.truncate) }
      if number >= 5 { access.insert(.controlDevice) }
      return access
    }

    /// Abstract unix sockets and signals, which stay among threads of the same restriction (Linux 6.12).
    var scopes: UInt64 { number >= 6 ? 0b11 : 0 }

    /// Bytes of a ruleset's attributes.
    var attributeSize: UInt { number >= 6 ? 24 : number >= 4 ? 16 : 8 }
  }

  /// Kinds of access to files and folders, in the kernel's bits.
  struct FileAccess: OptionSet, Sendable, Hashable {
    let rawValue: UInt64

    static let execute = FileAccess(rawValue: 1 << 0)
    static let write = FileAccess(rawValue: 1 << 1)
    static let read = FileAccess(rawValue: 1 << 2)
    static let list = FileAccess(rawValue: 1 << 3)
    static let removeFolder = FileAccess(rawValue: 1 << 4)
    static let removeFile = FileAccess(rawValue: 1 << 5)
    static let makeFolder = FileAccess(rawValue: 1 << 7)
    static let makeFile = FileAccess(rawValue: 1 << 8)
    static let makeSymbolicLink = FileAccess(rawValue: 1 << 12)
    /// Renaming and linking from one folder into another (version 2; version 1 denies it always).
    static let link = FileAccess(rawValue: 1 << 13)
    static let truncate = FileAccess(rawValue: 1 << 14)
    static let controlDevice = FileAccess(rawValue: 1 << 15)

    /// What a rule for a single file may speak of.
    static let ofFiles: FileAccess = [.execute, .write, .read, .truncate, .controlDevice]
    /// Reading files and folders.
    static let reading: FileAccess = [.read, .list]
    /// Everything a working folder needs: no program, no device, no socket.
    static let working: FileAccess = [
      .read, .list, .write, .truncate, .makeFile, .makeFolder, .makeSymbolicLink, .removeFile, .removeFolder, .link,
    ]
  }

  private static let bindPort: UInt64 = 1 << 0
  private static let connectPort: UInt64 = 1 << 1

  /// What went wrong, with the call and the kernel's reason.
  struct Failure: Error {
    let call: String
    let code: Int32
  }

  /// Restricts the calling thread, and those it makes from now on, to a reach.
  ///
  /// Needs no_new_privs. Paths that do not exist are passed over: nothing can be opened there, nor will it be.
  static func apply(_ reach: Reach, version: Version) throws(Failure) {
    let files = version.fileAccess
    var ports: UInt64 = 0
    if version.knowsPorts { ports = bindPort | (reach.dialedPorts == nil ? 0 : connectPort) }
    let ruleset = sly_landlock_create(files.rawValue, ports, version.scopes, version.attributeSize)
    guard ruleset >= 0 else { throw Failure(call: "landlock_create_ruleset", code: errno) }
    defer { close(ruleset) }
    for path in reach.readable { try admit(path, .reading, of: files, to: ruleset) }
    for path in reach.writable { try admit(path, .working, of: files, to: ruleset) }
    for path in Reach.devices { try admit(path, [.read, .write, .truncate, .controlDevice], of: files, to: ruleset) }
    if version.knowsPorts {
      for port in reach.dialedPorts ?? [] { try admit(port, connectPort, to: ruleset) }
      if let port = reach.listenedPort { try admit(port, bindPort, to: ruleset) }
    }
    guard sly_landlock_apply(ruleset) == 0 else { throw Failure(call: "landlock_restrict_self", code: errno) }
  }

  private static func admit(
    _ path: String, _ access: FileAccess, of known: FileAccess, to ruleset: Int32
  ) throws(Failure) {
    let place = unsafe sly_open_place(path)
    guard place >= 0 else { return }
    defer { close(place) }
    var status = stat()
    guard unsafe fstat(place, &status) == 0 else { return }
    let isFolder = status.st_mode & S_IFMT == S_IFDIR
    let admitted = access.intersection(known).intersection(isFolder ? known : .ofFiles)
    guard sly_landlock_admit_path(ruleset, place, admitted.rawValue) == 0 else {
      throw Failure(call: "landlock_add_rule for \(path)", code: errno)
    }
  }

  private static func admit(_ port: Int, _ access: UInt64, to ruleset: Int32) throws(Failure) {
    guard sly_landlock_admit_port(ruleset, UInt64(port), access) == 0 else {
      throw Failure(call: "landlock_add_rule for port \(port)", code: errno)
    }
  }
}
