import OrderedCollections
import PlainData

/// Computes the configuration of resources from all the places that give it.
struct ConfigBuilder: Sendable {
  /// The root project, whose settings win over those of other packages for their own resources.
  let root: ProjectConfig
  /// Every package by name, the root project among them.
  let packages: [String: ProjectConfig]

  /// The configuration of a resource: defaults, its package's project file, its property file (`patch`), its own
  /// `config()` calls, and for resources of other packages the root project's file.
  ///
  /// - Throws: a parsing error for values that cannot be merged or are wrong.
  func build(
    _ type: ResourceType, uniqueID: String? = nil, fqn: [String], package: String, calls: PlainObject = [:],
    patch: PlainObject = [:], isChecked: Bool = true
  ) throws(ProjectError) -> PlainObject {
    let merger = ConfigMerger(type)
    var config = merger.defaults
    for level in packages[package]?.levels(type, fqn: fqn) ?? [] { try merger.update(&config, with: level) }
    if !patch.isEmpty { try merger.update(&config, with: patch) }
    if !calls.isEmpty { try merger.update(&config, with: calls) }
    if package != root.name {
      for level in root.levels(type, fqn: fqn) { try merger.update(&config, with: level) }
    }
    if isChecked {
      try merger.finalize(&config, uniqueID: uniqueID ?? "\(type.rawValue).\(fqn.joined(separator: "."))")
    }
    return config
  }

  /// The same before rendering, without defaults: what dbt compares to tell whether a configuration changed.
  func unrendered(
    _ type: ResourceType, fqn: [String], package: String, calls: PlainObject = [:], patch: PlainObject = [:]
  ) -> PlainObject {
    var config = PlainObject()
    func lay(_ partial: PlainObject) {
      for (key, value) in partial { config[key == "dbname" ? "database" : key] = value }
    }
    for level in packages[package]?.levels(type, fqn: fqn, isRendered: false) ?? [] { lay(level) }
    lay(patch)
    lay(calls)
    if package != root.name {
      for level in root.levels(type, fqn: fqn, isRendered: false) { lay(level) }
    }
    return config
  }
}

extension ConfigBuilder {
  /// Merges as dbt merges configurations as written: objects at every level, lists joined with the later one in front.
  static func deepMerge(_ changes: PlainObject, into base: inout PlainObject) {
    for (key, value) in changes {
      switch (value, base[key]) {
      case (.object(let inner), .object(var present)?):
        deepMerge(inner, into: &present)
        base[key] = .object(present)
      case (.array(let items), let present?): base[key] = .array(items + (present.arrayValue ?? [present]))
      default: base[key] = value
      }
    }
  }
}

/// A node while it is being parsed, with what its file said before configuration was merged.
struct DraftNode: Sendable {
  var node: Node
  /// nil when its file configures nothing.
  var calls: ConfigCalls?
}

/// What the file of a node says in `config()`. The copies of its draft share it.
final class ConfigCalls: Sendable {
  /// All calls, merged.
  let merged: PlainObject
  /// The same as written.
  let written: PlainObject
  /// The literals of the calls when the file is so plain that dbt does not render it.
  let literals: PlainObject?

  init(merged: PlainObject, written: PlainObject, literals: PlainObject? = nil) {
    self.merged = merged
    self.written = written
    self.literals = literals
  }
}
