import CLinux
import Glibc
import Secrets

/// Which projects the worker serves and how it finds their profiles.
package struct ProjectConfiguration: Sendable, Hashable {
  /// Folders with a `dbt_project.yml`, in order, without duplicates.
  package var directories: [String]
  /// The folder with `profiles.yml`; nil: each project's own.
  package var profilesDirectory: String?
  /// The target of runs that name none; nil: the profile's own.
  package var target: String?
  /// The folder with the macro packages; nil: `macros` beside the binary.
  package var macrosDirectory: String?

  /// Reads the variables of the projects section and looks the folders up.
  package static func read(_ reader: inout SettingReader) -> ProjectConfiguration {
    let directories = discover(&reader)
    let profiles = folder(&reader, .dbtProfilesDir)
    if let profiles, !Folder.has("profiles.yml", in: profiles) {
      reader.fault(.dbtProfilesDir, value: profiles, "has no profiles.yml in it")
    }
    if profiles == nil && !reader.isSet(.dbtProfilesDir) {
      for directory in directories where !Folder.has("profiles.yml", in: directory) {
        reader.fault(
          .dbtProfilesDir,
          "not set, and the project '\(SettingReader.shown(directory))' has no profiles.yml of its own; "
            + "for example DBT_PROFILES_DIR=\(Setting.dbtProfilesDir.example)")
      }
    }
    return ProjectConfiguration(
      directories: directories, profilesDirectory: profiles, target: reader.text(.dbtTarget),
      macrosDirectory: folder(&reader, .macros))
  }

  private static func folder(_ reader: inout SettingReader, _ setting: Setting) -> String? {
    guard let path = reader.text(setting) else { return nil }
    guard Folder.exists(path) else {
      reader.fault(setting, value: path, "is no folder that can be read")
      return nil
    }
    return path
  }

  private static func discover(_ reader: inout SettingReader) -> [String] {
    let list = reader.given(.dbtProjectDirs)
    let parent = reader.given(.dbtProjectsDir)
    let single = reader.given(.dbtProjectDir)
    if let list { return several(&reader, list) }
    if let parent { return scanned(&reader, parent) }
    if let single { return checked(&reader, .dbtProjectDir, single).map { [$0] } ?? [] }
    if Folder.has("dbt_project.yml", in: ".") { return ["."] }
    let found = Folder.subfolders(of: ".").filter { Folder.has("dbt_project.yml", in: $0) }
    if found.isEmpty {
      reader.fault(
        .dbtProjectDir,
        "no project: neither the working folder nor a sub-folder has a dbt_project.yml; for example "
          + "DBT_PROJECT_DIR=\(Setting.dbtProjectDir.example), or DBT_PROJECT_DIRS or DBT_PROJECTS_DIR for several")
    }
    return found
  }

  private static func several(_ reader: inout SettingReader, _ list: String) -> [String] {
    let entries = list.split(separator: ",").map(trimmed).filter { !$0.isEmpty }
    if entries.isEmpty { reader.fault(.dbtProjectDirs, value: list, "names no folder") }
    var directories: [String] = []
    for entry in entries {
      guard let expanded = expand(&reader, entry) else { continue }
      if let path = checked(&reader, .dbtProjectDirs, expanded), !directories.contains(path) {
        directories.append(path)
      }
    }
    return directories
  }

  private static func scanned(_ reader: inout SettingReader, _ parent: String) -> [String] {
    guard Folder.exists(parent) else {
      reader.fault(.dbtProjectsDir, value: parent, "is no folder that can be read")
      return []
    }
    let found = Folder.subfolders(of: parent).filter { Folder.has("dbt_project.yml", in: $0) }
    if found.isEmpty { reader.fault(.dbtProjectsDir, value: parent, "has no sub-folder with a dbt_project.yml") }
    return found
  }

  private static func checked(_ reader: inout SettingReader, _ setting: Setting, _ path: String) -> String? {
    if let scheme = ["git+", "s3://", "gs://"].first(where: { path.hasPrefix($0) }) {
      reader.fault(
        setting, "names a remote project (\(scheme)…), which this version cannot fetch: mount the project as a folder")
      return nil
    }
    guard Folder.has("dbt_project.yml", in: path) else {
      reader.fault(
        setting, value: path, Folder.exists(path) ? "has no dbt_project.yml in it" : "is no folder that can be read")
      return nil
    }
    return path
  }

  /// Replaces `${NAME}`; a bare `$NAME` stays. Nil when a variable is unset.
  private static func expand(_ reader: inout SettingReader, _ entry: String) -> String? {
    var result = ""
    var rest = entry[...]
    while let start = rest.firstRange(of: "${") {
      guard let end = rest[start.upperBound...].firstIndex(of: "}") else { break }
      let name = rest[start.upperBound..<end]
      result += rest[..<start.lowerBound]
      if isName(name) {
        guard let value = reader.plain(String(name)) else {
          reader.fault(.dbtProjectDirs, value: entry, "uses ${\(name)}, which is not set")
          return nil
        }
        result += value
      } else {
        result += rest[start.lowerBound...end]
      }
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  private static func isName(_ text: Substring) -> Bool {
    guard let first = text.first, first.isASCII, first.isLetter || first == "_" else { return false }
    return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }

  private static func trimmed(_ text: Substring) -> String {
    var rest = text.drop(while: \.isWhitespace)
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}

/// The little that the configuration asks of the file system.
enum Folder {
  /// Whether a path leads to a folder whose entries may be read.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return false }
    return unsafe access(path, R_OK | X_OK) == 0
  }

  /// Whether a folder holds a readable regular file of that name.
  static func has(_ name: String, in path: String) -> Bool {
    var status = stat()
    let full = path == "." ? name : path + "/" + name
    guard unsafe stat(full, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
    return unsafe access(full, R_OK) == 0
  }

  /// The immediate sub-folders, links to folders included, sorted by name; empty when the folder cannot be read.
  static func subfolders(of path: String) -> [String] {
    entries(path).map { path == "." ? $0 : path + "/" + $0 }.filter(exists)
  }

  /// The names in a folder without hidden ones, sorted; empty when the folder cannot be read.
  static func entries(_ path: String) -> [String] {
    guard let handle = unsafe opendir(path) else { return [] }
    defer { unsafe _ = closedir(handle) }
    var names: [String] = []
    while let entry = unsafe readdir(handle) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }
}
