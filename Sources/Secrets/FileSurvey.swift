import Glibc

/// What several mounted files are at one moment, without reading them: enough to see that one of them was replaced.
package struct FileSurvey: Sendable, Hashable {
  /// For each path the identity of what it leads to; nil when it leads nowhere.
  private let identities: [FileIdentity?]

  /// Looks at the files. Blocks on the file system: not for the event loop's thread.
  package static func of(_ paths: [String]) -> FileSurvey {
    FileSurvey(identities: paths.map { try? FileIdentity.of(path: $0) })
  }

  /// The folders that the files lie in by their names, each once, in order.
  package static func folders(of paths: [String]) -> [String] {
    var folders: [String] = []
    for path in paths where !folders.contains(folder(of: path)) { folders.append(folder(of: path)) }
    return folders
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
