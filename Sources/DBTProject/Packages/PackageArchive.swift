import Archives

/// A downloaded package: a tar archive in gzip with one folder at its top.
///
/// All of it is read and checked before anything is written. Links are made last, when every file stands, so that no file is
/// ever written through one; one that leads out of the package, as the kernel sees it, ends the extraction.
struct PackageArchive {
  /// Bytes of a download.
  static let downloadLimit = 64 << 20

  private let bytes: [UInt8]
  private let limits: ArchiveLimits
  /// The name of the folder at the top.
  let top: String
  /// Bytes of the download.
  var size: Int { bytes.count }

  /// What stands at a path.
  private enum Place { case file, folder, link }

  /// - Throws: why it may not be unpacked; `damaged` when another download may bring the whole.
  init(_ bytes: [UInt8], limits: ArchiveLimits = ArchiveLimits()) throws(ArchiveError) {
    self.bytes = bytes
    self.limits = limits
    var plan = Plan(limits: limits)
    var reader = TarReader(try GzipReader(bytes, limit: limits.unpackedBytes), limits: limits)
    while let member = try reader.next() { try plan.add(member) }
    guard let top = plan.top, plan.places[top] == .folder else {
      throw ArchiveError(.refused, "does not hold a folder with the package in it")
    }
    self.top = top
  }

  /// What an archive makes, before it does.
  private struct Plan {
    let limits: ArchiveLimits
    var top: String?
    var places: [String: Place] = [:]
    private var sizes: [String: Int] = [:]
    private var total = 0

    init(limits: ArchiveLimits) { self.limits = limits }

    mutating func add(_ member: TarMember) throws(ArchiveError) {
      let path = "\(member.path)"
      let first = member.path.parts.first
      if let top, top != first {
        throw ArchiveError(.refused, "holds '\(path)' beside the folder '\(top)', where one folder belongs")
      }
      top = first
      for parent in member.path.parents { try put(.folder, at: parent) }
      switch member.kind {
      case .folder: try put(.folder, at: path)
      case .symbolicLink(let target):
        guard !target.hasPrefix("/") else {
          throw ArchiveError(.refused, "holds the link '\(path)' to the absolute path '\(target)'")
        }
        guard places[path] == nil else { throw ArchiveError(.refused, "holds '\(path)' twice, once as a link") }
        try put(.link, at: path)
      case .file:
        try put(.file, at: path)
        try count(member.size, for: path)
      case .hardLink(let target):
        guard let size = sizes["\(target)"], path != "\(target)" else {
          throw ArchiveError(.refused, "holds the link '\(path)' to '\(target)', which is no file before it")
        }
        try put(.file, at: path)
        try count(size, for: path)
      }
    }

    private mutating func put(_ place: Place, at path: String) throws(ArchiveError) {
      guard places[path, default: place] == place else {
        throw ArchiveError(.refused, "holds '\(path)' twice, and not as the same kind of thing")
      }
      places[path] = place
      guard places.count <= limits.members else {
        throw ArchiveError(.tooLarge, "makes more than \(limits.members) files and folders")
      }
    }

    /// Hard links count in full, since each becomes a file.
    private mutating func count(_ size: Int, for path: String) throws(ArchiveError) {
      total += size
      sizes[path] = size
      guard total <= limits.unpackedBytes else {
        throw ArchiveError(.tooLarge, "unpacks to more than \(limits.unpackedBytes) bytes")
      }
    }
  }

  /// Unpacks into an empty folder that only this user may enter, and gives the package's own folder in it.
  ///
  /// Files get the permissions that Python's `data` filter leaves them: none for others to write, execution as the owner's.
  ///
  /// - Throws: what the file system says; a dependency error for a link that leads out of the package.
  func extract(into folder: String) throws(ProjectError) -> String {
    let limits = limits
    var reader = try Self.reading { () throws(ArchiveError) in
      TarReader(try GzipReader(bytes, limit: limits.unpackedBytes), limits: limits)
    }
    var links: [(path: String, target: String)] = []
    while let member = try Self.reading({ () throws(ArchiveError) in try reader.next() }) {
      let path = "\(folder)/\(member.path)"
      for parent in member.path.parents { try FileTree.makeOneFolder("\(folder)/\(parent)") }
      switch member.kind {
      case .folder: try FileTree.makeOneFolder(path)
      case .symbolicLink(let target): links.append((path, target))
      case .hardLink(let target):
        try FileTree.copy("\(folder)/\(target)", to: path, mode: Self.permissions(member.mode))
      case .file:
        try FileTree.writeFile(path, mode: Self.permissions(member.mode)) { () throws(ProjectError) in
          try Self.reading { () throws(ArchiveError) in try reader.read() }
        }
      }
    }
    for link in links { try FileTree.link(link.path, to: link.target) }
    try FileTree.checkLinks("\(folder)/\(top)", skipsGit: false)
    return "\(folder)/\(top)"
  }

  private static func permissions(_ mode: Int) -> UInt32 {
    let kept = mode & 0o100 == 0 ? mode & 0o644 : mode & 0o755
    return UInt32(kept | 0o600)
  }

  /// What was checked before cannot fail now, short of a fault of ours.
  private static func reading<R>(_ body: () throws(ArchiveError) -> R) throws(ProjectError) -> R {
    do throws(ArchiveError) {
      return try body()
    } catch {
      throw ProjectError(.dependency, "The archive \(error.message)")
    }
  }
}
