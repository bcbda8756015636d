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
  ///
  /// - Parameter project: the package of a property file; nil for files of which dbt names no package.
  init(yaml error: YAMLError, project: String? = nil, path: String, text: String) {
    let excerpt = ProjectError.lines(of: text, around: error.line)
    let rule = String(repeating: "-", count: 30)
    let fault =
      "Syntax error near line \(error.line)\n\(rule)\n\(excerpt)\n\nRaw Error:\n\(rule)\n\(error.message)\n"
      + "  in \"\(error.path)\", line \(error.line), column \(error.column)"
    let message =
      project.map { "Error reading \($0): \(path) - Runtime Error\n  " + fault.replacing("\n", with: "\n  ") } ?? fault
    self.init(
      project == nil ? .runtime : .parsing, message, path: path, line: error.line, column: error.column,
      excerpt: excerpt, cause: error)
  }

  /// Up to three lines before and after a line, numbered.
  static func lines(of text: String, around line: Int) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let end = (lines.lastIndex { !$0.trimmed.isEmpty } ?? 0) + 1
    let first = max(0, min(line - 4, end - 1))
    return zip((first + 1)..., lines[first..<min(end, max(line, first) + 3)]).map { number, line in
      let label = String(number)
      return label + String(repeating: " ", count: max(0, 3 - label.utf8.count)) + "| \(line.prefix(160))"
    }.joined(separator: "\n")
  }
}
