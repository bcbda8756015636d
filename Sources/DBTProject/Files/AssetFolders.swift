/// Copies the folders that a project's documentation shows (`asset-paths`) to where its pages are written.
package struct AssetFolders: Sendable {
  /// Folders inside of folders; below what the system follows links for.
  private static let depthLimit = 32
  /// Files and folders in all.
  private static let countLimit = 100_000

  private let root: String
  private let paths: [String]

  package init(of project: ProjectConfig) {
    root = project.root
    paths = project.assetPaths
  }

  /// Replaces `TARGET/PATH` for each path of the project; a path that does not exist leaves nothing there. What links lead to
  /// is copied, never a link.
  ///
  /// - Parameter target: the folder of artifacts, absolute; nothing of it is copied into itself.
  /// - Throws: a runtime error for the project's own folder, for folders that are nested too deeply or hold too much, and for what
  ///   cannot be read or written.
  package func copy(to target: String) throws(ProjectError) {
    var count = 0
    for written in paths {
      let path = written.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
      guard !path.isEmpty else {
        throw ProjectError(.runtime, "asset-paths: the project's own folder cannot be copied into its artifacts")
      }
      let copy = "\(target)/\(path)"
      guard copy != "\(root)/\(path)" else { continue }
      try FileTree.remove(copy)
      guard FileReader.isFolder("\(root)/\(path)") else { continue }
      try copyFolder("\(root)/\(path)", to: copy, apart: target, depth: 0, count: &count)
    }
  }

  private func copyFolder(
    _ folder: String, to copy: String, apart target: String, depth: Int, count: inout Int
  ) throws(ProjectError) {
    guard folder != target else { return }
    guard depth < Self.depthLimit else {
      throw ProjectError(.runtime, "folders of asset-paths are nested deeper than \(Self.depthLimit) levels: \(folder)")
    }
    try FileTree.makeFolder(copy)
    for entry in try FileReader.list(folder) {
      count += 1
      guard count <= Self.countLimit else {
        throw ProjectError(.runtime, "asset-paths hold more than \(Self.countLimit) files: \(root)")
      }
      let (source, place) = ("\(folder)/\(entry.name)", "\(copy)/\(entry.name)")
      if entry.isFolder {
        try copyFolder(source, to: place, apart: target, depth: depth + 1, count: &count)
      } else if FileReader.isFile(source) {
        try FileTree.copy(source, to: place)
      }
    }
  }
}
