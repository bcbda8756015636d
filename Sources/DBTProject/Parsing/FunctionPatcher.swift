import OrderedCollections
import PlainData

/// Lays the properties of functions over their nodes: arguments, result, and overloads, whose files become part of the
/// function.
struct FunctionPatcher {
  let resources: ParsedResources
  let patcher: NodePatcher

  /// Applies an entry of `functions`.
  ///
  /// - Throws: a parsing error for wrong properties and for overloads that cannot be found.
  func patch(_ entry: PropertyEntry) throws(ProjectError) {
    let package = entry.file.packageName
    let id = "function.\(package).\(entry.name)"
    if let present = resources.nodes[id]?.node.patchPath { throw NodePatcher.duplicate(entry, present) }
    guard resources.nodes[id] != nil || resources.disabled[id] != nil else {
      resources.warn(
        "NoNodeForYamlKey",
        "Did not find matching node for patch with name '\(entry.name)' in the 'functions' section of file "
          + "'\(entry.file.originalFilePath)'")
      return
    }
    var signature = FunctionSignature()
    signature.returns = FunctionPatcher.returns(entry.members["returns"]?.objectValue ?? [:])
    signature.arguments = FunctionPatcher.arguments(entry.members["arguments"])
    try checkDefaults(signature.arguments, entry)
    for overload in entry.members["overloads"]?.arrayValue ?? [] {
      signature.overloads.append(try absorb(overload, into: id, entry))
    }
    let change: (inout DraftNode) throws(ProjectError) -> Void = { draft throws(ProjectError) in
      if !entry.config.isEmpty {
        try patcher.parser.configure(&draft, patch: entry.config, unrenderedPatch: entry.unrenderedConfig)
      }
      try patcher.describe(&draft.node, entry.members, entry: entry)
      draft.node.signature = signature
    }
    try resources.update(id, change)
    try resources.updateDisabled(id, change)
  }

  private static func returns(_ members: PlainObject) -> PlainValue {
    ["data_type": members["data_type"] ?? .null, "description": members["description"] ?? .null]
  }

  private static func arguments(_ value: PlainValue?) -> [PlainValue] {
    (value?.arrayValue ?? []).map { argument in
      [
        "name": argument["name"] ?? .null, "data_type": argument["data_type"] ?? .null,
        "description": argument["description"] ?? .null, "default_value": argument["default_value"] ?? .null,
      ]
    }
  }

  /// Arguments with a default come last.
  private func checkDefaults(_ arguments: [PlainValue], _ entry: PropertyEntry) throws(ProjectError) {
    var hasDefault = false
    for argument in arguments {
      let isDefaulted = !(argument["default_value"] ?? .null).isNull
      if hasDefault, !isDefaulted {
        throw ProjectError(
          .parsing,
          "Non-defaulted argument '\(argument["name"]?.pythonText ?? "")' of function '\(entry.name)' comes after a "
            + "defaulted argument. Non-defaulted arguments cannot come after defaulted arguments. ",
          path: entry.file.originalFilePath)
      }
      hasDefault = hasDefault || isDefaulted
    }
  }

  /// Takes the node of an overload's file out of the project and carries what it depends on over to the function.
  private func absorb(
    _ overload: PlainValue, into root: String, _ entry: PropertyEntry
  ) throws(ProjectError) -> FunctionSignature.Overload {
    let name = overload["defined_in"]?.pythonText ?? ""
    guard name != entry.name else {
      throw ProjectError(
        .parsing, "Function '\(entry.name)' cannot list itself in overloads (defined_in: '\(name)').",
        path: entry.file.originalFilePath)
    }
    let id = "function.\(entry.file.packageName).\(name)"
    guard let other = resources.nodes[id]?.node, resources.remove(id) != nil else {
      throw ProjectError(
        .parsing,
        "Function overload '\(name)' (defined_in) not found. Expected a SQL file at functions/\(name).sql",
        path: entry.file.originalFilePath)
    }
    try resources.update(root) { draft throws(ProjectError) in
      draft.node.refs += other.refs
      draft.node.sources += other.sources
      draft.node.functions += other.functions
    }
    return FunctionSignature.Overload(
      definedIn: name, arguments: FunctionPatcher.arguments(overload["arguments"]),
      returns: overload["returns"]?.objectValue.map(FunctionPatcher.returns),
      description: overload["description"] ?? .null, rawBody: other.rawCode)
  }
}
