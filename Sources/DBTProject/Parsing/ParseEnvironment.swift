import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// What all parsing of one project shares: settings, packages and macros. Immutable, used from several threads.
final class ParseEnvironment: Sendable {
  let invocation: Invocation
  let registry: MacroRegistry
  let root: ProjectConfig
  /// Every package by name, in dbt's order: the root project, dbt's own packages, the others.
  let packages: OrderedDictionary<String, ProjectConfig>
  let profile: TargetProfile
  let configs: ConfigBuilder
  /// The vars that nodes of each package see.
  private let vars: [String: PlainObject]
  private let relationQuoting: [RelationComponent: Bool]
  /// Seconds since 1970 that stand in `created_at`.
  let createdAt: Double
  /// What earlier loads found out, and the keys to it; nil when nothing is kept.
  let memory: (entries: ParseMemory, keys: ParseMemoryKeys)?

  /// - Parameter memory: what earlier loads found out; nil keeps nothing.
  init(
    invocation: Invocation, registry: MacroRegistry, root: ProjectConfig,
    packages: OrderedDictionary<String, ProjectConfig>, profile: TargetProfile, createdAt: Double, memory: ParseMemory?
  ) {
    self.invocation = invocation
    self.registry = registry
    self.root = root
    self.packages = packages
    self.profile = profile
    self.createdAt = createdAt
    configs = ConfigBuilder(
      root: root, packages: Dictionary(uniqueKeysWithValues: packages.map { ($0.key, $0.value) }))
    var vars: [String: PlainObject] = [:]
    for (name, package) in packages {
      vars[name] = VarSettings.merged(
        cli: invocation.vars, root: root.vars, package: name == root.name ? nil : package.vars, packageName: name)
    }
    self.vars = vars
    self.memory = memory.flatMap { entries in
      ParseMemoryKeys(invocation: invocation, registry: registry, root: root, profile: profile, vars: vars)
        .map { (entries, $0) }
    }
    var quoting: [RelationComponent: Bool] = [:]
    for component in RelationComponent.allCases { quoting[component] = root.quoting[component.rawValue]?.boolValue }
    relationQuoting = quoting
  }

  /// The vars that nodes of a package see.
  func vars(of package: String) -> PlainObject { vars[package] ?? invocation.vars }

  /// `quoting` of the root project, which holds for every package's nodes.
  var quoting: PlainObject { root.quoting }

  /// Settings of a scope for a package.
  ///
  /// - Parameter requiresVars: whether a missing var without default is an error; while nodes are parsed it is None.
  func settings(
    package: String, node: NodeReference? = nil, requiresVars: Bool = true
  ) -> DBTScope.Settings {
    var settings = DBTScope.Settings(invocation: invocation, registry: registry, searchPackage: package)
    settings.node = node
    settings.executes = false
    settings.vars = VarSettings(
      values: vars(of: package), isRequired: requiresVars, owner: node.map { $0.name } ?? "<Configuration>")
    settings.quoting = relationQuoting
    return settings
  }
}

/// Renders values of property files: target, vars and environment, no macros that need a node.
///
/// One thread uses it.
final class PropertyRenderer {
  private let scope: DBTScope
  /// The file, for errors.
  var path = ""

  init(_ environment: ParseEnvironment, package: String) {
    var settings = environment.settings(package: package)
    settings.vars.rendersTexts = false
    scope = DBTScope(settings)
  }

  /// The value of a text, rendered in native mode.
  ///
  /// - Throws: a compilation error that shows the text.
  func value(_ text: String) throws(ProjectError) -> PlainValue {
    guard !DBTScope.isUnchangedByRendering(text) else { return .string(text) }
    do {
      return try scope.renderNative(text, path: path).plain()
    } catch {
      throw ProjectError(rendering: error, "Could not render \(text): ", path: path)
    }
  }

  private static func isUnchanged(_ value: PlainValue) -> Bool {
    switch value {
    case .string(let text): DBTScope.isUnchangedByRendering(text)
    case .array(let items): items.allSatisfy(isUnchanged)
    case .object(let members): members.values.allSatisfy(isUnchanged)
    default: true
    }
  }

  /// Renders all texts of a value but those for which `skips` holds, by the keys and positions that lead to them.
  func render(
    _ value: PlainValue, at keys: [PathKey] = [], skipping skips: ([PathKey]) -> Bool = { _ in false }
  ) throws(ProjectError) -> PlainValue {
    guard !keys.isEmpty || !PropertyRenderer.isUnchanged(value) else { return value }
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

/// A step of the way to a value inside a document.
enum PathKey: Hashable {
  case key(String)
  case index(Int)

  /// The key; nil for a position.
  var name: String? { if case .key(let name) = self { name } else { nil } }
}

extension ProjectError {
  /// An error of rendering, with what it was about in front of its message.
  init(rendering error: any Error, _ prefix: String = "", node: NodeReference? = nil, path: String? = nil) {
    if let known = error as? ProjectError {
      self = known
      message = prefix + known.message
      return
    }
    let known = DBTError(error, node: node)
    let kind: Kind =
      switch known.kind {
      case .parsing: .parsing
      case .validation: .validation
      case .dependency: .dependency
      case .runtime, .project, .profile, .failFast: .runtime
      default: .compilation
      }
    var message = prefix + known.message
    let trail = known.stack + (known.node.map { [$0] } ?? [])
    if trail.count > 1 {
      message += "\n"
      for (index, entry) in trail.enumerated() { message += "\n> \(index == 0 ? "in" : "called by") \(entry)" }
    }
    let place = known.location
    self.init(
      kind, message, resource: known.node.map { "\($0.resourceType) \($0.name)" } ?? "",
      path: known.node?.path ?? place?.path ?? path, line: place.map(\.line), column: place.map(\.column),
      excerpt: place?.excerpt, cause: error)
  }
}
