import DBTContext
import OrderedCollections
import PlainData

/// dbt's rules for the names of resources, some of which are still warnings.
struct NameChecks {
  let resources: ParsedResources
  let environment: ParseEnvironment

  /// - Throws: a runtime error for names with blanks where flags forbid them.
  func checkBlanks() throws(ProjectError) {
    let nodes = resources.nodes.values.map(\.node).filter { $0.name.contains(" ") }
    try checkBlanks(
      nodes.map { ($0.uniqueID, $0.originalFilePath) }, areErrors: environment.root.isOn(.refusesBlanksInNames),
      advice: "Please rename the invalid model(s) so that their name(s) do not contain any spaces.")
    var others: [(id: String, path: String)] = []
    for source in resources.manifest.sources.values where source.sourceName.contains(" ") {
      let id = "source.\(source.packageName).\(source.sourceName)"
      if !others.contains(where: { $0.id == id }) { others.append((id, source.path)) }
    }
    for model in resources.manifest.semanticModels.values where model.name.contains(" ") {
      others.append((model.uniqueID, model.originalFilePath))
    }
    try checkBlanks(
      others, areErrors: environment.root.isOn(.refusesBlanksInSourceNames),
      advice: "Please rename the invalid resource(s) so that their name(s) do not contain any spaces.")
  }

  private func checkBlanks(_ found: [(id: String, path: String)], areErrors: Bool, advice: String) throws(ProjectError)
  {
    guard !found.isEmpty else { return }
    guard !areErrors else {
      let list = found.map { "  * '\($0.id)' (\($0.path))" }.joined(separator: "\n")
      throw ProjectError(.runtime, "Resource names cannot contain spaces:\n\(list)\n\(advice)")
    }
    let isDebugging = environment.invocation.flags["DEBUG"]?.boolValue ?? false
    for (id, _) in isDebugging ? found : Array(found.prefix(1)) {
      resources.warn("SpacesInResourceNameDeprecation", "Found spaces in the name of `\(id)`")
    }
    resources.warn(
      "ResourceNamesWithSpacesDeprecation",
      "Spaces found in \(found.count) resource name(s). This is deprecated, and may lead to errors when using dbt."
        + (isDebugging ? "" : " Run again with `--debug` to see them all.")
        + " For more information: https://docs.getdbt.com/reference/global-configs/legacy-behaviors")
  }

  /// - Throws: a compilation error for two resources of one name in a package where a flag forbids them.
  func checkUniqueness() throws(ProjectError) {
    var known: [String: Node] = [:]
    for draft in resources.nodes.values {
      let node = draft.node
      guard [.model, .seed, .snapshot].contains(node.resourceType), node.version == nil else { continue }
      guard let other = known.updateValue(node, forKey: "\(node.packageName).\(node.name)") else { continue }
      guard !environment.root.isOn(.refusesEqualNames) else { throw DuplicateResource.error(other, node) }
      resources.warn(
        "DuplicateNameDistinctNodeTypesDeprecation",
        "Found resources with the same name '\(node.name)' in package '\(node.packageName)': '\(other.uniqueID)' and "
          + "'\(node.uniqueID)'. Please update one of the resources to have a unique name.")
    }
  }
}
