import Glibc

/// What several mounted files are at one moment, without reading them: enough to see that one of them was replaced.
package struct FileSurvey: Sendable, Hashable {
  /// For each path the identity of what it leads to; nil when it leads nowhere.
  private let identities: [FileIdentity?]
  /// Whether all files lie in mounts of the kind that swaps all its files at once: a folder with a link `..data`, as
  /// Kubernetes makes them. Files that are written one by one may be seen half replaced.
  package let isAtomic: Bool

  /// Looks at the files. Blocks on the file system: not for the event loop's thread.
  package static func of(_ paths: [String]) -> FileSurvey {
    FileSurvey(
      identities: paths.map { try? FileIdentity.of(path: $0) },
      isAtomic: paths.allSatisfy { isLink(folder(of: $0) + "/..data") })
  }

  /// The folders that the files lie in by their names, each once, in order.
  package static func folders(of paths: [String]) -> [String] {
    var folders: [String] = []
    for path in paths where !folders.contains(folder(of: path)) { folders.append(folder(of: path)) }
    return folders
  }

  /// The files that are mount points of their own, as `subPath` makes them: such a file is never replaced, and its new
  /// content is seen after a restart only.
  ///
  /// - Parameter table: the text of `/proc/self/mountinfo`.
  package static func frozen(_ paths: [String], table: String) -> [String] {
    let points = Set(
      table.split(separator: "\n").compactMap { line -> String? in
        let fields = line.split(separator: " ", maxSplits: 5)
        return fields.count > 4 ? unescaped(String(fields[4])) : nil
      })
    return paths.filter { path in
      if points.contains(path) { return true }
      guard let resolved = unsafe realpath(path, nil) else { return false }
      defer { unsafe free(resolved) }
      return unsafe points.contains(String(cString: resolved))
    }
  }

  /// The text of `/proc/self/mountinfo`; empty when it cannot be read.
  package static func mountTable() -> String {
    guard let file = unsafe fopen("/proc/self/mountinfo", "re") else { return "" }
    defer { unsafe fclose(file) }
    var text: [UInt8] = []
    var area = [UInt8](repeating: 0, count: 16 << 10)
    while text.count < 4 << 20 {
      let count = unsafe fread(&area, 1, area.count, file)
      guard count > 0 else { break }
      text += area[..<count]
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Spaces and the like stand in the table as a backslash and three octal digits.
  private static func unescaped(_ field: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let first = rest.popFirst() {
      let digits = rest.prefix(3)
      if first == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (48..<56).contains($0) }) {
        bytes.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * 8 + Int($1) - 48 }))
        rest = rest.dropFirst(3)
      } else {
        bytes.append(first)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func isLink(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }
}
