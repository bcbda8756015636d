package import DBTContext
import YAMLDocument

/// Why a project could not be loaded, selected from or planned.
///
/// The text is laid out as dbt prints it: a title with the resource, then the message indented by two blanks.
package struct ProjectError: Error, Sendable, CustomStringConvertible {
  /// The families of dbt's errors; `title` is what dbt prints for each.
  package enum Kind: String, Sendable {
    /// A file of the project does not say what it should: YAML, properties, configuration, duplicate resources.
    case parsing = "Parsing Error"
    /// A template or the graph does not make sense: unknown refs, cycles, ambiguous relations, Jinja errors.
    case compilation = "Compilation Error"
    /// `dbt_project.yml` or `profiles.yml` is missing or wrong, or a selection cannot be understood.
    case runtime = "Runtime Error"
    /// Packages are missing or conflict.
    case dependency = "Dependency Error"
    /// A value has the wrong shape.
    case validation = "Validation Error"
    /// Code given on the command line is wrong; printed without a title.
    case inline = "Error"
    /// A value does not fit the schema of its resource's configuration; printed without a title.
    case schema = "Schema Error"
    /// An enforced contract was broken since an earlier manifest.
    case contract = "Breaking change to contract Error"
    /// A selection asks for artifacts that are not there.
    case internalFailure = "Internal Error"
    /// Something Sallyport does not support yet.
    case unsupported = "Not Supported Error"

    /// As in dbt, whose errors about packages call themselves no otherwise than those about any setting.
    package var title: String { self == .dependency ? Self.runtime.rawValue : rawValue }
  }

  package var kind: Kind
  package var message: String
  /// The resource the error belongs to, such as `model stg_ports`; empty when there is none.
  package var resource = ""
  /// The file, relative to its package's root.
  package var path: String?
  /// Line from 1.
  package var line: Int?
  /// Column from 1.
  package var column: Int?
  /// The offending line with a caret, or lines around it.
  package var excerpt: String?
  /// The file that dbt names below its complaints about settings, absolute.
  package var encounteredIn: String?
  /// What a layer below reported.
  package var cause: (any Error)?

  package init(
    _ kind: Kind, _ message: String, resource: String = "", path: String? = nil, line: Int? = nil, column: Int? = nil,
    excerpt: String? = nil, cause: (any Error)? = nil
  ) {
    self.kind = kind
    self.message = message
    self.resource = resource
    self.path = path
    self.line = line
    self.column = column
    self.excerpt = excerpt
    self.cause = cause
  }

  package var description: String {
    if kind == .inline { return message }
    if kind == .schema { return resource.isEmpty ? message : "\(message)\n\nOf \(resource)" }
    var title = kind.title
    if !resource.isEmpty { title += " in \(resource)" }
    if let path, !message.contains(path) || !resource.isEmpty {
      title += resource.isEmpty ? " in \(path)" : " (\(path))"
    }
    var body = message
    if let line, !message.contains("line \(line)") { body += "\nline \(line)\(column.map { ", column \($0)" } ?? "")" }
    if let excerpt, !excerpt.isEmpty, !message.contains(excerpt) { body += "\n" + excerpt }
    let indented = body.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "  " + $0 }
    let place = encounteredIn.map { "\n\nError encountered in \($0)" } ?? ""
    return title + "\n" + indented.joined(separator: "\n") + place
  }
}

/// Something dbt would warn about; loading goes on.
package struct ProjectWarning: Sendable, Hashable, CustomStringConvertible {
  /// dbt's name of the event, such as `NoNodeForYamlKey`, by which `warn_error_options` chooses.
  package var name: String
  package var message: String

  package init(name: String, message: String) {
    self.name = name
    self.message = message
  }

  package var description: String { "[\(name)] \(message)" }
}

extension Invocation {
  /// Says what loading would warn of.
  ///
  /// - Throws: `DBTError` for a warning that counts as an error.
  package func warn(of warning: ProjectWarning) throws(DBTError) {
    // These dbt only tells, whatever counts as an error.
    let told = ["SemanticValidationFailure", "MFConverterIssue", "InvalidDisabledTargetInTestNode"]
    guard !told.contains(warning.name) else {
      return log(LogLine(.warn, "[WARNING]: \(warning.message)", event: warning.name))
    }
    guard Deprecations.areMeant(warning.name) else { return try warn(warning.message, event: warning.name, node: nil) }
    try deprecate(warning.name, warning.message)
  }
}

extension ProjectWarning {
  /// A tag that stands beside the blocks of a file.
  init(unexpectedBlock tag: String, in path: String) {
    self.init(
      name: "UnexpectedJinjaBlockDeprecation", message: "Found unexpected '\(tag)' block tag. in file `\(path)`")
  }

  /// A text of the project's file that dbt is going to give up.
  init(renamed old: String, to new: String) {
    self.init(
      name: old == "source-paths" ? "ConfigSourcePathDeprecation" : "ConfigDataPathDeprecation",
      message:
        "The `\(old)` config has been renamed to `\(new)`. Please update your `dbt_project.yml` configuration to "
        + "reflect this change.")
  }

  /// A folder that the command line is to say instead of the project's file.
  ///
  /// - Parameter written: what is written to the folder.
  init(folder key: String, of written: String) {
    self.init(
      name: key == "log-path" ? "ConfigLogPathDeprecation" : "ConfigTargetPathDeprecation",
      message:
        "The `\(key)` config in `dbt_project.yml` has been deprecated, and will no longer be supported in a future "
        + "version of dbt-core. If you wish to write dbt \(written) to a custom directory, please use the --\(key) CLI flag "
        + "or DBT_\(key.uppercased().replacing("-", with: "_")) env var instead.")
  }

  /// A key that stands twice in a mapping of a file.
  init(duplicate: YAMLDocument.DuplicateKey, in path: String) {
    self.init(
      name: "DuplicateYAMLKeysDeprecation",
      message: "Duplicate key '\(duplicate.key)' in \"<unicode string>\", line \(duplicate.line), column "
        + "\(duplicate.column) in file `\(path)`")
  }
}
