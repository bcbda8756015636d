import DBTContext
import DBTProject
import PlainData

/// The file in the target folder in which a command leaves for the next one what parsing found out.
enum ParsedFile {
  private static let name = "partial_parse.json"

  /// What reads the file; nil for an engine without a target folder, such as a worker's, which keeps whole projects.
  static func reader(
    _ options: EngineOptions, _ invocation: Invocation
  ) -> (@Sendable (ProjectConfig) -> [UInt8]?)? {
    guard options.targetFolder != nil || options.writesToProjectTarget else { return nil }
    let isWanted = invocation.flags["PARTIAL_PARSE"]?.boolValue ?? true
    return { project in
      guard isWanted, let folder = options.outputFolder(project) else { return nil }
      return RunFiles.read("\(folder)/\(name)", limit: ParseMemory.limit)
    }
  }

  /// Leaves what a load found out, unless the command is to write no artifacts. A folder that takes no file is no reason to
  /// fail: the next command parses anew. What holds a secret of the environment (by a var, say) is not left at all.
  static func write(_ project: LoadedProject, _ options: EngineOptions) {
    guard options.writesArtifacts, let folder = options.outputFolder(project.project),
      let bytes = project.memory?.document()
    else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    guard project.invocation.scrubber.scrub(text) == text else { return }
    try? RunFiles.write(bytes, to: "\(folder)/\(name)")
  }
}
