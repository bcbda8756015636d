package import Jinja
package import OrderedCollections

/// A macro, generic test or materialization that is known to a project.
package struct RegisteredMacro: Sendable {
  /// `macro.PACKAGE.NAME`.
  package let uniqueID: String
  package let packageName: String
  /// The stored name: `NAME`, `test_NAME`, `materialization_NAME_ADAPTER`.
  package let name: String
  /// Relative to the root of its package.
  package let path: String
  package let definition: MacroDefinition

  package var reference: NodeReference {
    NodeReference(resourceType: "macro", name: name, path: path, uniqueID: uniqueID)
  }
}

/// Every macro of a project and its packages, with dbt's rules of which one a name means. Immutable once filled.
package struct MacroRegistry: Sendable {
  package typealias Package = OrderedDictionary<String, RegisteredMacro>

  /// The name of the root project.
  package let rootPackage: String
  /// dbt's own packages, the first one asked first.
  package let internalPackages: [String]
  /// Name prefixes that `adapter.dispatch` tries, in order.
  package let dispatchPrefixes = ["postgres", "default"]
  /// `dispatch:` of the root project: macro namespace to the packages to search.
  package var dispatchOrders: [String: [String]]
  /// Whether installed packages may replace dbt's own materializations without being asked to.
  package var packagesReplaceMaterializations = false
  package private(set) var packages: OrderedDictionary<String, Package> = [:]
  /// Every name of a macro or a package: a name that is not among them means no macro, whoever uses it.
  private var names: Set<String> = ["dbt"]

  package init(
    rootPackage: String, internalPackages: [String] = ["dbt_postgres", "dbt"], dispatchOrders: [String: [String]] = [:]
  ) {
    self.rootPackage = rootPackage
    self.internalPackages = internalPackages
    self.dispatchOrders = dispatchOrders
  }

  // MARK: Filling

  /// Makes a package known, even when it has no macros.
  package mutating func add(package name: String) {
    if packages[name] == nil { packages[name] = [:] }
    names.insert(name)
  }

  /// Adds a macro, test or materialization; docs blocks are not macros and are ignored.
  ///
  /// - Parameter path: the file, relative to the root of the package.
  /// - Returns: the entry, or nil for a docs block.
  /// - Throws: `DBTError` (compilation) when the package has one of this name already.
  @discardableResult
  package mutating func add(
    _ definition: MacroDefinition, package packageName: String, path: String
  ) throws(DBTError) -> RegisteredMacro? {
    if case .docs = definition.kind { return nil }
    let name = definition.macroName
    add(package: packageName)
    if let present = packages[packageName]?[name] {
      let places =
        present.path == path
        ? "remove one of the macro entries for \(name) in this file:\n - \(path)\n"
        : "remove the macro entry for \(name) in one of these files:\n - \(present.path)\n\(path)"
      throw DBTError(
        .compilation,
        "dbt found two macros named \"\(name)\" in the project\n \"\(packageName)\".\n To fix this error, rename or \(places)"
      )
    }
    let macro = RegisteredMacro(
      uniqueID: "macro.\(packageName).\(name)", packageName: packageName, name: name, path: path, definition: definition
    )
    packages[packageName]?[name] = macro
    names.insert(name)
    return macro
  }

  /// Every macro, package by package in the order of adding.
  package var all: [RegisteredMacro] { packages.values.flatMap { Array($0.values) } }

  /// The macro with an id `macro.PACKAGE.NAME`.
  package func macro(id: String) -> RegisteredMacro? {
    let parts = id.split(separator: ".", maxSplits: 2)
    guard parts.count == 3, parts[0] == "macro" else { return nil }
    return packages[String(parts[1])]?[String(parts[2])]
  }

  // MARK: Lookup

  /// Whether a name may mean a macro or a namespace of macros. Most names in templates do not.
  package func mayMean(_ name: String) -> Bool { names.contains(name) }

  /// What a plain name means for a node of a package: its own macro, the root project's, or dbt's.
  package func macro(named name: String, searchPackage: String) -> RegisteredMacro? {
    packages[searchPackage]?[name] ?? packages[rootPackage]?[name] ?? internalMacro(named: name)
  }

  /// A macro that a package defines itself. The package `dbt` stands for all internal packages.
  package func macro(named name: String, in packageName: String) -> RegisteredMacro? {
    packageName == "dbt" ? internalMacro(named: name) : packages[packageName]?[name]
  }

  /// What a name means where dbt asks for a macro itself, for an operation or in its adapter: the root project's, else that of
  /// any installed package, else dbt's own.
  package func macroOfAnyPackage(named name: String) -> RegisteredMacro? {
    if let own = packages[rootPackage]?[name] { return own }
    let installed = packages.keys.reversed().first { packages[$0]?[name] != nil && !internalPackages.contains($0) }
    return installed.flatMap { packages[$0]?[name] } ?? internalMacro(named: name)
  }

  private func internalMacro(named name: String) -> RegisteredMacro? {
    for package in internalPackages {
      if let macro = packages[package]?[name] { return macro }
    }
    return nil
  }

  /// Whether a name stands for a namespace of macros in templates.
  package func isNamespace(_ name: String) -> Bool {
    name == "dbt" || (packages[name] != nil && !internalPackages.contains(name))
  }

  // MARK: Dispatch

  /// `adapter.dispatch(name, namespace)`: the first implementation for PostgreSQL or for every adapter.
  ///
  /// - Throws: `DBTError` (compilation) that lists every name tried.
  package func dispatch(
    _ name: String, namespace: String?, searchPackage: String
  ) throws(DBTError) -> RegisteredMacro {
    if let dot = name.firstIndex(of: ".") {
      throw DBTError(
        .compilation,
        "In adapter.dispatch, got a macro name of \"\(name)\", but \".\" is not a valid macro name component. Did you "
          + "mean `adapter.dispatch(\"\(name[name.index(after: dot)...])\", macro_namespace=\"\(name[..<dot])\")`?")
    }
    var attempts: [String] = []
    for package in dispatchPackages(namespace) {
      for prefix in dispatchPrefixes {
        let candidate = "\(prefix)__\(name)"
        let found =
          package.map { macro(named: candidate, in: $0) } ?? macro(named: candidate, searchPackage: searchPackage)
        if let found { return found }
        attempts.append((package.map { $0 + "." } ?? "") + candidate)
      }
    }
    let searched = attempts.map { "'\($0)'" }.joined(separator: ", ")
    throw DBTError(
      .compilation,
      "In dispatch: No macro named '\(name)' found within namespace: '\(namespace ?? "None")'\n    Searched for: \(searched)"
    )
  }

  /// The packages to search; nil stands for the lookup of plain names.
  private func dispatchPackages(_ namespace: String?) -> [String?] {
    guard let namespace else { return [nil] }
    if let order = dispatchOrders[namespace], !order.isEmpty { return order }
    return packages[namespace] != nil ? [rootPackage, namespace] : [nil]
  }

  // MARK: Special macros

  private enum Locality: Int {
    case core, imported, root
  }

  private func locality(_ package: String) -> Locality {
    package == rootPackage ? .root : internalPackages.contains(package) ? .core : .imported
  }

  /// The macro of a materialization for PostgreSQL: the adapter's own before the default one, then the root project's
  /// before a package's before dbt's. A package may not replace one of dbt's unless the root project re-exports it.
  package func materialization(_ name: String, adapter: String = "postgres") -> RegisteredMacro? {
    var candidates: [(rank: Int, locality: Locality, macro: RegisteredMacro)] = []
    for (rank, type) in [adapter, "default"].enumerated() {
      for (package, macros) in packages {
        guard let macro = macros["materialization_\(name)_\(type)"] else { continue }
        candidates.append((rank, locality(package), macro))
      }
    }
    func best(_ pool: [(rank: Int, locality: Locality, macro: RegisteredMacro)]) -> RegisteredMacro? {
      pool.min { ($0.rank, -$0.locality.rawValue) < ($1.rank, -$1.locality.rawValue) }?.macro
    }
    guard let chosen = best(candidates) else { return nil }
    guard locality(chosen.packageName) == .imported, candidates.contains(where: { $0.locality == .core }) else {
      return chosen
    }
    if packagesReplaceMaterializations { return chosen }
    return best(candidates.filter { $0.locality != .imported })
  }

  /// The materialization, or dbt's error that it is missing.
  package func requiredMaterialization(_ name: String, adapter: String = "postgres") throws(DBTError) -> RegisteredMacro
  {
    if let macro = materialization(name, adapter: adapter) { return macro }
    throw DBTError(
      .compilation,
      "No materialization '\(name)' was found for adapter \(adapter)! (searched types 'default' and '\(adapter)')")
  }

  /// Whether a materialization's macro is an installed package's in the place of one of dbt's own.
  package func replacesCore(_ macro: RegisteredMacro, _ name: String, adapter: String = "postgres") -> Bool {
    locality(macro.packageName) == .imported
      && packages.contains { package, macros in
        locality(package) == .core
          && [adapter, "default"].contains { macros["materialization_\(name)_\($0)"] != nil }
      }
  }

  /// Whether the SQL of microbatch models is dbt's own.
  package var hasOwnMicrobatch: Bool {
    let name = "get_incremental_microbatch_sql"
    return internalMacro(named: name) != nil
      && !packages.contains { locality($0.key) != .core && $0.value[name] != nil }
  }

  /// `generate_schema_name`, `generate_alias_name` or `generate_database_name` for nodes of a package: an installed
  /// package's own macro, else the root project's, else dbt's.
  package func generateNameMacro(_ component: String, package: String) -> RegisteredMacro? {
    let name = "generate_\(component)_name"
    if locality(package) == .imported, let own = packages[package]?[name] { return own }
    return packages[rootPackage]?[name] ?? internalMacro(named: name)
  }

  /// The macro of a generic test: of a named package, or as a plain name is looked up.
  package func genericTest(_ name: String, namespace: String?, searchPackage: String) -> RegisteredMacro? {
    if let namespace { return macro(named: "test_\(name)", in: namespace) }
    return macro(named: "test_\(name)", searchPackage: searchPackage)
  }
}
