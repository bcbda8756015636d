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
    /// Each with its block's text as dbt cuts it out.
    var definitions: [(macro: MacroDefinition, text: String)]
    /// Tags that stand beside the definitions.
    var unexpected: [String] = []
  }

  /// The registry, the manifest's entries and what is to be warned of.
  ///
  /// - Throws: a compilation error with file, line and excerpt for wrong syntax; one for two macros of one name.
  func load(
    _ files: [String: [FileKind: [SourceFile]]]
  ) throws(ProjectError) -> (MacroRegistry, OrderedDictionary<String, MacroEntry>, [ProjectWarning]) {
    var registry = MacroRegistry(
      rootPackage: root.name, internalPackages: internalPackages, dispatchOrders: dispatchOrders)
    var entries: OrderedDictionary<String, MacroEntry> = [:]
    registry.packagesReplaceMaterializations = !root.isOn(.refusesPackageMaterializations)
    for name in packages.keys { registry.add(package: name) }
    let all = packages.keys.flatMap { name in
      (files[name]?[.macro] ?? []) + (files[name]?[.genericTest] ?? [])
    }
    let compiled = try ParallelMap.run(
      all, threads: threads, worker: { () },
      body: { [internalPackages] _, file throws(ProjectError) in
        try MacroLoader.compile(file, isChecked: !internalPackages.contains(file.packageName))
      })
    var warnings: [ProjectWarning] = []
    for unit in compiled {
      warnings += unit.unexpected.map { ProjectWarning(unexpectedBlock: $0, in: unit.file.originalFilePath) }
      for (macro, text) in unit.definitions { try add(macro, text, unit.file, to: &registry, &entries) }
    }
    try resolveCalls(registry, &entries)
    return (registry, entries, warnings)
  }

  private var dispatchOrders: [String: [String]] {
    var orders: [String: [String]] = [:]
    for entry in root.dispatch {
      guard let namespace = entry["macro_namespace"]?.stringValue, orders[namespace] == nil else { continue }
      orders[namespace] = (entry["search_order"]?.arrayValue ?? []).compactMap(\.stringValue)
    }
    return orders
  }

  /// - Parameter isChecked: whether what stands beside definitions is looked for.
  private static func compile(_ file: SourceFile, isChecked: Bool) throws(ProjectError) -> Compiled {
    let contents = try file.contents()
    var scanner = BlockScanner(contents, tags: ["macro", "materialization", "test", "data_test"])
    let cut = isChecked ? try? scanner.blocks() : []
    do {
      let macros = try Template.definitions(of: contents, path: file.originalFilePath)
      return Compiled(file: file, definitions: blocks(of: macros, in: contents), unexpected: scanner.unexpected)
    } catch {
      // dbt reads nothing but the definitions, so that what stands beside them need make no sense.
      guard let cut, !scanner.unexpected.isEmpty,
        let macros = try? cut.flatMap({ block in
          let lines = String(repeating: "\n", count: block.line - 1)
          return try Template.definitions(of: lines + block.full, path: file.originalFilePath)
        })
      else { throw ProjectError(rendering: error, path: file.originalFilePath) }
      return Compiled(file: file, definitions: blocks(of: macros, in: contents), unexpected: scanner.unexpected)
    }
  }

  /// A block belongs with the blanks that its `-` marks eat, and with its line ends as the file has them.
  private static func blocks(of macros: [MacroDefinition], in contents: String) -> [(MacroDefinition, String)] {
    let bytes = Array(contents.utf8)
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    // The template engine reads every line end as a single newline.
    let places = bytes.indices.filter { !(bytes[$0] == 0x0D && $0 + 1 < bytes.count && bytes[$0 + 1] == 0x0A) }
    let plain = places.map { bytes[$0] }
    var position = 0
    return macros.map { macro in
      let block = Array(macro.source.utf8)
      var found = position
      while found < plain.count, !plain[found...].starts(with: block) { found += 1 }
      guard found < plain.count, !block.isEmpty else { return (macro, macro.source) }
      var (start, end) = (found, found + block.count)
      if macro.source.hasPrefix("{%-") { while start > position, isBlank(plain[start - 1]) { start -= 1 } }
      if macro.source.hasSuffix("-%}") { while end < plain.count, isBlank(plain[end]) { end += 1 } }
      position = end
      let lower = start > 0 ? places[start - 1] + 1 : 0
      return (macro, String(decoding: bytes[lower..<(places[end - 1] + 1)], as: UTF8.self))
    }
  }

  private func add(
    _ definition: MacroDefinition, _ text: String, _ file: SourceFile, to registry: inout MacroRegistry,
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
      source: text)
    entry.createdAt = createdAt
    entry.arguments = definition.parameters.map { parameter in
      ["name": .string(parameter.name), "type": nil, "description": ""]
    }
    if case .materialization(_, let languages) = definition.kind {
      entry.supportedLanguages = languages
      entry.arguments = [["name": "supported_languages", "type": nil, "description": ""]]
    }
    if file.kind == .genericTest || !root.isOn(.checksMacroArguments) { entry.arguments = [] }
    entries[entry.uniqueID] = entry
  }

  /// Fills `depends_on.macros` from the calls that can be seen without running anything.
  ///
  /// - Throws: a compilation error for a call of `adapter.dispatch` that nothing answers, as in dbt.
  private func resolveCalls(
    _ registry: MacroRegistry, _ entries: inout OrderedDictionary<String, MacroEntry>
  ) throws(ProjectError) {
    for macro in registry.all {
      var ids: [String] = []
      func note(_ package: String, _ name: String) {
        guard let id = (registry.packages[package]?[name] ?? registry.macroOfAnyPackage(named: name))?.uniqueID,
          !ids.contains(id)
        else {
          return
        }
        ids.append(id)
      }
      for called in macro.definition.calledNames {
        let parts = called.split(separator: ".", maxSplits: 1).map(String.init)
        if parts.count == 2 {
          note(parts[0], parts[1])
        } else if called != macro.name, !MacroLoader.contextNames.contains(called) {
          note(macro.packageName, called)
        }
      }
      for (name, namespace) in macro.definition.dispatchedNames {
        if name != macro.name { note(macro.packageName, name) }
        do throws(DBTError) {
          let found = try registry.dispatch(name, namespace: namespace, searchPackage: macro.packageName)
          note(found.packageName, found.name)
        } catch {
          // Without a namespace any package's macro will do here.
          let found = registry.dispatchPrefixes.compactMap { registry.macroOfAnyPackage(named: "\($0)__\(name)") }.first
          guard namespace == nil, let found else {
            throw ProjectError(.compilation, error.message, path: macro.path, cause: error)
          }
          note(found.packageName, found.name)
        }
      }
      entries[macro.uniqueID]?.dependsOnMacros = ids
    }
  }

  /// Names that mean the context's own functions, whatever macros there are.
  private static let contextNames: Set<String> = [
    "ref", "source", "config", "var", "env_var", "return", "log", "print",
  ]
}
