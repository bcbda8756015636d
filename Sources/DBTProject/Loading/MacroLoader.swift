import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// Reads the macros, generic tests and materializations of all packages.
struct MacroLoader {
  let root: ProjectConfig
  let packages: OrderedDictionary<String, ProjectConfig>
  let internalPackages: [String]
  let threads: Int
  /// Seconds since 1970.
  let createdAt: Double

  /// What a file defines.
  private struct Compiled: Sendable {
    var file: SourceFile
    var definitions: [MacroDefinition]
  }

  /// The registry and the manifest's entries.
  ///
  /// - Throws: a compilation error with file, line and excerpt for wrong syntax; one for two macros of one name.
  func load(
    _ files: [String: [FileKind: [SourceFile]]]
  ) throws(ProjectError) -> (MacroRegistry, OrderedDictionary<String, MacroEntry>) {
    var registry = MacroRegistry(
      rootPackage: root.name, internalPackages: internalPackages, dispatchOrders: dispatchOrders)
    var entries: OrderedDictionary<String, MacroEntry> = [:]
    for name in packages.keys { registry.add(package: name) }
    let all = packages.keys.flatMap { name in
      (files[name]?[.macro] ?? []) + (files[name]?[.genericTest] ?? [])
    }
    let compiled = try ParallelMap.run(all, threads: threads, worker: { () }) { _, file throws(ProjectError) in
      try MacroLoader.compile(file)
    }
    for unit in compiled {
      for definition in unit.definitions { try add(definition, unit.file, to: &registry, &entries) }
    }
    resolveCalls(registry, &entries)
    return (registry, entries)
  }

  private var dispatchOrders: [String: [String]] {
    var orders: [String: [String]] = [:]
    for entry in root.dispatch {
      guard let namespace = entry["macro_namespace"]?.stringValue, orders[namespace] == nil else { continue }
      orders[namespace] = (entry["search_order"]?.arrayValue ?? []).compactMap(\.stringValue)
    }
    return orders
  }

  private static func compile(_ file: SourceFile) throws(ProjectError) -> Compiled {
    let contents = try file.contents()
    do {
      return Compiled(file: file, definitions: try Template.compile(contents, path: file.originalFilePath).definitions)
    } catch {
      throw ProjectError(rendering: error, path: file.originalFilePath)
    }
  }

  private func add(
    _ definition: MacroDefinition, _ file: SourceFile, to registry: inout MacroRegistry,
    _ entries: inout OrderedDictionary<String, MacroEntry>
  ) throws(ProjectError) {
    let registered: RegisteredMacro?
    do {
      registered = try registry.add(definition, package: file.packageName, path: file.originalFilePath)
    } catch {
      throw ProjectError(.compilation, error.message, path: file.originalFilePath, cause: error)
    }
    guard let registered else { return }
    var entry = MacroEntry(
      uniqueID: registered.uniqueID, name: registered.name, packageName: file.packageName, path: file.originalFilePath,
      source: definition.source)
    entry.createdAt = createdAt
    entry.arguments = definition.parameters.map { parameter in
      ["name": .string(parameter.name), "type": nil, "description": ""]
    }
    if case .materialization(_, let languages) = definition.kind { entry.supportedLanguages = languages }
    if file.kind == .genericTest { entry.arguments = [] }
    entries[entry.uniqueID] = entry
  }

  /// Fills `depends_on.macros` from the calls that can be seen without running anything.
  private func resolveCalls(_ registry: MacroRegistry, _ entries: inout OrderedDictionary<String, MacroEntry>) {
    for macro in registry.all {
      var ids: [String] = []
      for called in macro.definition.calledNames {
        guard let id = id(of: called, in: macro, registry), !ids.contains(id) else { continue }
        ids.append(id)
      }
      for (name, namespace) in macro.definition.dispatchedNames {
        for candidate in registry.dispatchCandidates(name, namespace: namespace, searchPackage: macro.packageName)
        where !ids.contains(candidate.uniqueID) && candidate.uniqueID != macro.uniqueID {
          ids.append(candidate.uniqueID)
        }
      }
      entries[macro.uniqueID]?.dependsOnMacros = ids
    }
  }

  private func id(of called: String, in macro: RegisteredMacro, _ registry: MacroRegistry) -> String? {
    let parts = called.split(separator: ".", maxSplits: 1).map(String.init)
    if parts.count == 2 { return registry.macro(named: parts[1], in: parts[0])?.uniqueID }
    guard called != macro.name else { return nil }
    return registry.macro(named: called, searchPackage: macro.packageName)?.uniqueID
  }
}
