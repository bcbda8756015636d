import OrderedCollections
import PlainData

/// Reads single keys of `dbt_project.yml` with dbt's complaints about wrong ones.
struct ProjectConfigReader {
  let document: PlainObject

  private static let knownKeys: Set<String> = [
    "name", "config-version", "version", "project-root", "source-paths", "model-paths", "macro-paths", "data-paths",
    "seed-paths", "test-paths", "analysis-paths", "docs-paths", "asset-paths", "target-path", "snapshot-paths",
    "function-paths", "osi-paths", "clean-targets", "profile", "log-path", "packages-install-path", "quoting",
    "on-run-start", "on-run-end", "require-dbt-version", "dispatch", "models", "seeds", "snapshots", "analyses",
    "sources", "tests", "data_tests", "unit_tests", "metrics", "semantic-models", "saved-queries", "exposures",
    "functions", "vars", "packages", "query-comment", "restrict-access", "dbt-cloud", "flags", "anchors",
  ]

  /// - Throws: for keys that dbt does not know, for contradictory ones and for another configuration version than 2.
  static func check(_ document: PlainObject) throws(ProjectError) {
    let unknown = document.keys.filter { !knownKeys.contains($0) }
    if !unknown.isEmpty {
      let names = unknown.map { "'\($0)'" }.joined(separator: ", ")
      throw ProjectError(
        .runtime,
        "at path []: Additional properties are not allowed (\(names) "
          + (unknown.count == 1 ? "was unexpected)" : "were unexpected)"),
        path: "dbt_project.yml")
    }
    if let version = document["config-version"], version != 2 {
      throw ProjectError(
        .runtime, "Invalid config version: \(version.pythonText), expected 2", path: "dbt_project.yml")
    }
    if let version = document["version"], !isVersion(version) { throw misfit("version", version) }
    if let cloud = document["dbt-cloud"], !cloud.isNull, cloud.objectValue == nil { throw misfit("dbt-cloud", cloud) }
    for (old, new) in [("source-paths", "model-paths"), ("data-paths", "seed-paths"), ("tests", "data_tests")]
    where document[old] != nil && document[new] != nil {
      throw ProjectError(
        .runtime,
        "\(old) and \(new) cannot both be defined. The `\(old)` config has been deprecated in favor of `\(new)`.",
        path: "dbt_project.yml")
    }
  }

  /// What dbt is going to give up of a project's keys.
  static func deprecations(_ document: PlainObject) -> [ProjectWarning] {
    var found: [ProjectWarning] = []
    for (old, new) in [("source-paths", "model-paths"), ("data-paths", "seed-paths")] where document[old] != nil {
      found.append(ProjectWarning(renamed: old, to: new))
    }
    for (key, standard, written) in [("log-path", "logs", "logs"), ("target-path", "target", "artifacts")] {
      guard let value = document[key], value != .string(standard) else { continue }
      found.append(ProjectWarning(folder: key, of: written))
    }
    return found
  }

  private static func misfit(_ key: String, _ value: PlainValue) -> ProjectError {
    ProjectError(
      .runtime, "at path ['\(key)']: \(value.pythonRepresentation) is not valid under any of the given schemas",
      path: "dbt_project.yml")
  }

  /// Whether a value can be a project's version: a number, or a semantic version whose third number may be missing.
  private static func isVersion(_ value: PlainValue) -> Bool {
    guard case .string(let text) = value else { return value.isNull || value.doubleValue != nil }
    func parts(_ text: Substring, _ separator: Character) -> [Substring] {
      text.split(separator: separator, maxSplits: 1, omittingEmptySubsequences: false)
    }
    func words(_ text: Substring) -> [Substring] { text.split(separator: ".", omittingEmptySubsequences: false) }
    func isNumber(_ word: Substring) -> Bool { !word.isEmpty && word.allSatisfy { ("0"..."9").contains($0) } }
    func isIdentifier(_ word: Substring) -> Bool {
      !word.isEmpty && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }
    func isPlainNumber(_ word: Substring) -> Bool { isNumber(word) && (word == "0" || word.first != "0") }
    let built = parts(text[...], "+")
    let released = parts(built[0], "-")
    let numbers = words(released[0])
    guard (2...3).contains(numbers.count), numbers.allSatisfy(isPlainNumber) else { return false }
    guard numbers.count == 3 || (built.count == 1 && released.count == 1) else { return false }
    let labels = released.count == 2 ? words(released[1]) : []
    return labels.allSatisfy { isIdentifier($0) && (!isNumber($0) || isPlainNumber($0)) }
      && (built.count == 1 || words(built[1]).allSatisfy(isIdentifier))
  }

  private func fault(_ key: String, _ message: String) -> ProjectError {
    ProjectError(.runtime, "at path ['\(key)']: \(message)", path: "dbt_project.yml")
  }

  func name() throws(ProjectError) -> String {
    guard let value = document["name"], !value.isNull else {
      throw ProjectError(.runtime, "at path []: 'name' is a required property", path: "dbt_project.yml")
    }
    guard case .string(let name) = value, let first = name.unicodeScalars.first,
      name.unicodeScalars.allSatisfy({ $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0) }),
      !("0"..."9").contains(first)
    else {
      throw fault("name", "\(value.pythonRepresentation) does not match '^[^\\\\d\\\\W]\\\\w*$'")
    }
    return name
  }

  func queryComment() throws(ProjectError) -> QueryCommentSetting {
    let value = document["query-comment"]
    if let value, QueryCommentSetting.shape.fault(value) != nil {
      throw ProjectConfigReader.misfit("query-comment", value)
    }
    return QueryCommentSetting(value)
  }

  func text(_ key: String) throws(ProjectError) -> String? {
    guard let value = document[key], !value.isNull else { return nil }
    guard case .string(let text) = value else {
      throw fault(key, "\(value.pythonRepresentation) is not of type 'string'")
    }
    return text
  }

  func object(_ key: String) throws(ProjectError) -> PlainObject {
    let value = document[key] ?? (key == "data_tests" ? document["tests"] : nil) ?? .null
    if value.isNull { return [:] }
    guard case .object(let members) = value else {
      throw fault(key, "\(value.pythonRepresentation) is not of type 'object'")
    }
    return members
  }

  func list(_ key: String) throws(ProjectError) -> [PlainValue] {
    guard let value = document[key], !value.isNull else { return [] }
    guard case .array(let items) = value else {
      throw fault(key, "\(value.pythonRepresentation) is not of type 'array'")
    }
    return items
  }

  /// - Parameter mayLeave: whether paths may lead out of the project's folder.
  func paths(_ key: String, old: String? = nil, mayLeave: Bool = false) throws(ProjectError) -> [String]? {
    let name = document[key] == nil && old.flatMap { document[$0] } != nil ? old ?? key : key
    guard let value = document[name], !value.isNull else { return nil }
    var paths: [String] = []
    for item in try list(name) {
      guard case .string(let text) = item else {
        throw fault(name, "\(item.pythonRepresentation) is not of type 'string'")
      }
      guard mayLeave || (!text.hasPrefix("/") && !text.split(separator: "/").contains("..")) else {
        throw fault(name, "the path '\(text)' leaves the project's folder")
      }
      paths.append(text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text)
    }
    return paths
  }

  func hooks(_ key: String) throws(ProjectError) -> [String] {
    guard let value = document[key], !value.isNull else { return [] }
    let items = value.arrayValue ?? [value]
    return try items.map { item throws(ProjectError) in
      guard case .string(let text) = item else {
        throw fault(key, "\(item.pythonRepresentation) is not of type 'string'")
      }
      return text
    }
  }

  func versions() throws(ProjectError) -> [String] {
    guard let value = document["require-dbt-version"], !value.isNull else { return [] }
    let items = value.arrayValue ?? [value]
    return items.flatMap { $0.pythonText.split(separator: ",").map { String($0).trimmed } }
  }
}
