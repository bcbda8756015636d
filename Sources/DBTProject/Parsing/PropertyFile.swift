import OrderedCollections
import PlainData
import YAMLDocument

/// A YAML file that describes resources.
struct PropertyFile: Sendable {
  let file: SourceFile
  /// As written.
  let document: PlainObject
  /// Keys that stand twice in one mapping, with their lines.
  let duplicateKeys: [YAMLDocument.DuplicateKey]

  private static let listKeys = [
    "models", "seeds", "snapshots", "sources", "macros", "analyses", "exposures", "metrics", "semantic_models",
    "saved_queries", "functions", "groups", "unit_tests", "data_tests",
  ]

  /// Reads a file; nil when it is empty.
  ///
  /// - Throws: a parsing error with line and excerpt for bad YAML, or that names the key whose value has the wrong
  ///   shape.
  init?(_ file: SourceFile) throws(ProjectError) {
    let contents = try file.contents()
    guard !contents.isEmpty else { return nil }
    let yaml: YAMLDocument
    do {
      yaml = try YAMLDocument(Array(contents.utf8), path: file.originalFilePath)
    } catch {
      throw ProjectError(yaml: error, project: file.packageName, path: file.relativePath, text: contents)
    }
    guard !yaml.root.isNull else { return nil }
    guard let document = yaml.root.objectValue else {
      throw ProjectError(
        .parsing,
        "Error reading \(file.packageName): \(file.relativePath) - Contents of file '\(file.originalFilePath)' are not "
          + "valid. Dictionary expected.",
        path: file.originalFilePath)
    }
    self.file = file
    self.document = document
    duplicateKeys = yaml.duplicateKeys
    try checkLists()
  }

  /// The entries of one section.
  func entries(_ key: String) -> [PlainObject] {
    (document[key]?.arrayValue ?? []).compactMap(\.objectValue)
  }

  private func checkLists() throws(ProjectError) {
    for key in PropertyFile.listKeys {
      guard let value = document[key], !(value.isNull && key == "data_tests") else { continue }
      guard let entries = value.arrayValue else { throw fault("the value of '\(key)' is not a list") }
      for entry in entries {
        guard let members = entry.objectValue else { throw fault("a list element for '\(key)' is not a dictionary") }
        guard members["name"] != nil else { throw fault("a list element for '\(key)' does not have a name attribute.") }
      }
    }
  }

  private func fault(_ reason: String) -> ProjectError {
    ProjectError(
      .parsing, "The schema file at \(file.originalFilePath) is invalid because \(reason)", path: file.originalFilePath)
  }
}

extension ProjectError {
  /// Bad YAML, in dbt's layout.
  init(yaml error: YAMLError, project: String? = nil, path: String, text: String) {
    let excerpt = ProjectError.lines(of: text, around: error.line)
    let prefix = project.map { "Error reading \($0): \(path) - " } ?? ""
    let rule = String(repeating: "-", count: 30)
    self.init(
      .parsing,
      prefix
        + "Runtime Error\n  Syntax error near line \(error.line)\n  \(rule)\n\(excerpt)\n\n  Raw Error:\n  \(rule)\n  "
        + "\(error.message)\n    in \"\(error.path)\", line \(error.line), column \(error.column)",
      path: path, line: error.line, column: error.column, excerpt: excerpt, cause: error)
  }

  /// Up to three lines before and after a line, numbered.
  static func lines(of text: String, around line: Int) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let first = max(0, min(line, lines.count) - 4)
    let shown = lines[first..<min(lines.count, first + 7)]
    return zip((first + 1)..., shown).map { "  \($0) | \($1.prefix(160))" }.joined(separator: "\n")
  }
}
