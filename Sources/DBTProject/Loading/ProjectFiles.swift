import DBTContext
import Jinja
import OrderedCollections
import PlainData
import YAMLDocument

/// Reads the YAML files at the root of a package: `dbt_project.yml`, `vars.yml`, `packages.yml`, `selectors.yml`.
struct ProjectFiles {
  /// The package's folder.
  let root: String

  /// The mapping in a file; nil when there is no such file or it is empty.
  ///
  /// - Throws: a parsing error with line and excerpt for bad YAML.
  func document(_ name: String) throws(ProjectError) -> PlainObject? {
    let path = root + "/" + name
    guard FileReader.isFile(path) else { return nil }
    let text = try FileReader.text(path, named: name)
    let value: PlainValue
    do {
      value = try YAMLDocument.parse(text: text, path: name)
    } catch {
      throw ProjectError(yaml: error, path: name, text: text)
    }
    if value.isNull { return nil }
    guard let members = value.objectValue else {
      throw ProjectError(.runtime, "\(name) does not parse to a dictionary", path: name)
    }
    return members
  }

  /// The keys that stand twice in one mapping of a file that can be read.
  func duplicateKeys(_ name: String) throws(ProjectError) -> [YAMLDocument.DuplicateKey] {
    // dbt counts lines from the first one that is not blank.
    let text = try FileReader.text(root + "/" + name, named: name).trimmed
    return (try? YAMLDocument(Array(text.utf8), path: name))?.duplicateKeys ?? []
  }

  /// `dbt_project.yml` as written, with the older name of `data_tests` replaced and the vars of `vars.yml` put in.
  func project() throws(ProjectError) -> PlainObject {
    guard var document = try document("dbt_project.yml") else {
      throw ProjectError(
        .runtime,
        "No dbt_project.yml found at expected path \(root)/dbt_project.yml\nVerify that each entry within "
          + "packages.yml (and "
          + "their transitive dependencies) contains a file named dbt_project.yml")
    }
    if document["data_tests"] == nil, let tests = document.removeValue(forKey: "tests") {
      document["data_tests"] = tests
    }
    if let vars = try self.document("vars.yml")?["vars"], vars.isTruthy {
      guard !(document["vars"]?.isTruthy ?? false) else {
        throw ProjectError(
          .runtime, "Variables cannot be defined in both vars.yml and dbt_project.yml.", path: "vars.yml")
      }
      document["vars"] = vars
    }
    return document
  }

  /// Names of the packages the project declares, as far as the files give them, and how many there are.
  func declaredPackages() throws(ProjectError) -> (count: Int, names: [String], file: String) {
    let locked = try document("package-lock.yml")?["packages"]?.arrayValue ?? []
    let inPackages = try document("packages.yml")?["packages"]?.arrayValue
    let inDependencies = try document("dependencies.yml")?["packages"]?.arrayValue
    if inPackages != nil, inDependencies != nil {
      throw ProjectError(
        .runtime, "The 'packages' key cannot be specified in both packages.yml and dependencies.yml",
        path: "packages.yml")
    }
    let declared = inDependencies ?? inPackages ?? []
    let file = inDependencies != nil ? "dependencies.yml" : "packages.yml"
    guard !locked.isEmpty else { return (declared.count, [], file) }
    return (locked.count, locked.compactMap { $0["name"]?.stringValue }, file)
  }

  // MARK: Rendering

  /// A document with its templates rendered, but for what dbt renders later: hooks, comments and vars.
  static func rendered(_ document: PlainObject, with renderer: FileRenderer) throws(ProjectError) -> PlainObject {
    try renderer.render(.object(document)) { keys in
      guard let first = keys.first?.name else { return false }
      if ["on-run-start", "on-run-end", "query-comment", "vars"].contains(first) { return true }
      guard ["seeds", "models", "snapshots", "tests", "data_tests"].contains(first) else { return false }
      return keys.contains { key in
        let name = key.name.map { String($0.drop { $0 == "+" || $0 == " " }) } ?? ""
        return ["pre-hook", "post-hook", "pre_hook", "post_hook"].contains(name)
      }
    }.objectValue ?? document
  }
}

/// Renders files that are read before any package is known: target, environment and the vars of the command line.
final class FileRenderer {
  private let scope: DBTScope
  private let path: String

  /// - Parameters:
  ///   - vars: those of the command line, and of `vars.yml`.
  ///   - allowsSecrets: whether `env_var` gives stand-ins for secret variables, see `SecretPlaceholder`.
  ///   - hasProfile: without one every member of `target` is the empty text, as in dbt's commands that read none.
  init(
    _ invocation: Invocation, vars: PlainObject, path: String, allowsSecrets: Bool = false, hasProfile: Bool = true
  ) {
    var settings = DBTScope.Settings(invocation: invocation, registry: MacroRegistry(rootPackage: ""))
    settings.vars = VarSettings(values: vars)
    settings.executes = false
    settings.allowsSecrets = allowsSecrets
    if !hasProfile { settings.members["target"] = .object(UnsetTarget()) }
    scope = DBTScope(settings)
    self.path = path
  }

  func value(_ text: String) throws(ProjectError) -> PlainValue {
    guard !DBTScope.isUnchangedByRendering(text) else { return .string(text) }
    do {
      return try scope.renderNative(text, path: path).plain()
    } catch {
      throw ProjectError(rendering: error, "Could not render \(text): ", path: path)
    }
  }

  func render(
    _ value: PlainValue, at keys: [PathKey] = [], skipping skips: ([PathKey]) -> Bool = { _ in false }
  ) throws(ProjectError) -> PlainValue {
    switch value {
    case .string(let text): return skips(keys) ? value : try self.value(text)
    case .array(let items):
      var rendered: [PlainValue] = []
      for (index, item) in items.enumerated() {
        rendered.append(try render(item, at: keys + [.index(index)], skipping: skips))
      }
      return .array(rendered)
    case .object(let members):
      var rendered = members
      for (key, member) in members { rendered[key] = try render(member, at: keys + [.key(key)], skipping: skips) }
      return .object(rendered)
    default: return value
    }
  }
}

/// The `target` where no profile was read.
private final class UnsetTarget: Object {
  var typeName: String { "dict" }
  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? { .string("") }
  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? { .string("") }
}
