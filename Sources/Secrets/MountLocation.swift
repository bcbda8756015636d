import CLinux
import Glibc

/// Where a path leads in a mounted volume.
///
/// Kubernetes keeps the files of a Secret or ConfigMap in a folder of the generation and leads to it by the link
/// `..data`; what users name are links through it: `tls.crt` → `..data/tls.crt`. Only what is opened beneath one
/// opening of `..data` is of one generation.
struct MountLocation: Sendable, Hashable {
  /// The folder that holds `..data`; nil: a plain file or folder.
  let volume: String?
  /// The name beneath `..data`, or the path itself. `.`: the folder of the generation.
  let name: String

  /// Links followed before a path is taken as it is.
  private static let mostLinks = 8

  /// Looks at the links on the way to a path; a path that leads nowhere is taken as it is.
  static func of(_ path: String) -> MountLocation {
    if linkTarget(path + "/..data") != nil { return MountLocation(volume: path, name: ".") }
    var followed = path
    for _ in 0..<mostLinks {
      if let found = throughData(followed) { return found }
      guard let target = linkTarget(followed) else { break }
      followed = target.hasPrefix("/") ? target : parent(of: followed) + target
    }
    return MountLocation(volume: nil, name: path)
  }

  /// The location when a component of the path is `..data` or a link that begins with it; the nearest to the end
  /// counts.
  private static func throughData(_ path: String) -> MountLocation? {
    let root = path.hasPrefix("/") ? "/" : ""
    let parts = path.split(separator: "/").map(String.init)
    for depth in parts.indices.reversed() {
      let folder = root + parts[..<depth].joined(separator: "/")
      let rest = Array(parts[(depth + 1)...])
      if parts[depth] == "..data" {
        return rest.isEmpty ? nil : MountLocation(volume: folder, name: rest.joined(separator: "/"))
      }
      let link = folder.isEmpty || folder == "/" ? folder + parts[depth] : folder + "/" + parts[depth]
      guard let target = linkTarget(link), target.hasPrefix("..data/") else { continue }
      let name = ([String(target.dropFirst("..data/".count))] + rest).joined(separator: "/")
      return MountLocation(volume: folder.isEmpty ? "." : folder, name: name)
    }
    return nil
  }

  /// The folder of a path, with its slash; empty for a bare name.
  private static func parent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
  }

  /// What a link says; nil: no link.
  private static func linkTarget(_ path: String) -> String? {
    unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { area -> String? in
      guard let start = area.baseAddress else { return nil }
      let count = unsafe readlink(path, start.assumingMemoryBound(to: CChar.self), area.count)
      guard count > 0, count < area.count else { return nil }
      return unsafe String(decoding: UnsafeRawBufferPointer(rebasing: area[..<count]), as: UTF8.self)
    }
  }
}
