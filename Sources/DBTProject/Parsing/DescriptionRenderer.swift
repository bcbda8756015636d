import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// Renders descriptions, in which `doc('name')` stands for a block of documentation.
///
/// One thread uses it.
final class DescriptionRenderer {
  private let environment: ParseEnvironment
  /// Package to name to block.
  private let docs: [String: [String: DocumentationBlock]]
  private var scopes: [String: DBTScope] = [:]
  private var used: [String] = []

  init(_ environment: ParseEnvironment, docs: OrderedDictionary<String, DocumentationBlock>) {
    self.environment = environment
    var byPackage: [String: [String: DocumentationBlock]] = [:]
    for block in docs.values { byPackage[block.packageName, default: [:]][block.name] = block }
    self.docs = byPackage
  }

  /// Renders the descriptions of everything in the resources.
  ///
  /// - Throws: a compilation error that names the resource and a block that does not exist.
  func render(_ resources: ParsedResources) throws(ProjectError) {
    for id in Array(resources.nodes.keys) {
      guard
        let rendered = try resources.nodes[id].flatMap({ draft throws(ProjectError) in try rendered(draft.node) })
      else { continue }
      resources.mutate(id) { draft in
        (draft.node.description, draft.node.docBlocks) = rendered.description
        draft.node.columns = rendered.columns
      }
    }
    for (id, source) in resources.manifest.sources {
      var source = source
      (source.description, source.docBlocks) = try rendered(source.description, source, source.packageName)
      source.sourceDescription = try rendered(source.sourceDescription, source, source.packageName).text
      source.columns = try columns(source.columns, source)
      resources.manifest.sources[id] = source
    }
    for (id, macro) in resources.manifest.macros where !macro.description.isEmpty || !macro.arguments.isEmpty {
      var macro = macro
      let reference = NodeReference(resourceType: "macro", name: macro.name, path: macro.path, uniqueID: id)
      macro.description = try text(macro.description, macro.packageName, reference)
      macro.arguments = try macro.arguments.map { argument throws(ProjectError) in
        guard var members = argument.objectValue, let text = members["description"]?.stringValue else {
          return argument
        }
        members["description"] = .string(try self.text(text, macro.packageName, reference))
        return .object(members)
      }
      resources.manifest.macros[id] = macro
    }
    for list in [\Manifest.exposures, \.metrics, \.semanticModels, \.savedQueries] {
      for (id, entry) in resources.manifest[keyPath: list] {
        var entry = entry
        try describe(&entry.document, of: entry)
        for key in ["dimensions", "measures", "entities"] where entry.resourceType == .semanticModel {
          entry.document[key] = .array(
            try (entry.document[key]?.arrayValue ?? []).map { part throws(ProjectError) in
              guard var members = part.objectValue else { return part }
              try describe(&members, of: entry)
              return .object(members)
            })
        }
        resources.manifest[keyPath: list][id] = entry
      }
    }
  }

  private func describe(_ members: inout PlainObject, of entry: ResourceEntry) throws(ProjectError) {
    guard let text = members["description"]?.stringValue else { return }
    members["description"] = .string(try rendered(text, entry, entry.packageName).text)
  }

  /// A node's description with the blocks it names, and its columns; nil when nothing changes.
  private func rendered(_ node: Node) throws(ProjectError) -> (
    description: (text: String, blocks: [String]), columns: PlainObject
  )? {
    guard !node.columns.isEmpty || DBTScope.hasTemplate(node.description) else { return nil }
    return (try rendered(node.description, node, node.packageName), try columns(node.columns, node))
  }

  private func columns(_ columns: PlainObject, _ member: any GraphMember) throws(ProjectError) -> PlainObject {
    var result = columns
    for (name, column) in columns {
      guard var members = column.objectValue, let text = members["description"]?.stringValue else { continue }
      let (description, blocks) = try rendered(text, member, member.packageName)
      members["description"] = .string(description)
      members["doc_blocks"] = .strings(blocks)
      result[name] = .object(members)
    }
    return result
  }

  private func rendered(
    _ text: String, _ member: any GraphMember, _ package: String
  ) throws(ProjectError) -> (text: String, blocks: [String]) {
    guard DBTScope.hasTemplate(text) else { return (text, []) }
    let reference = NodeReference(
      resourceType: member.resourceType.rawValue, name: member.name, path: member.originalFilePath,
      uniqueID: member.uniqueID)
    used = []
    let rendered = try self.text(text, package, reference)
    return (rendered, used)
  }

  private func text(_ text: String, _ package: String, _ node: NodeReference) throws(ProjectError) -> String {
    guard DBTScope.hasTemplate(text) else { return text }
    do {
      let template = try Template.compile(text, path: node.path)
      return try scope(package).evaluation().renderText(template)
    } catch {
      throw ProjectError(rendering: error, node: node)
    }
  }

  private func scope(_ package: String) -> DBTScope {
    if let scope = scopes[package] { return scope }
    var settings = environment.settings(package: package)
    settings.vars.rendersTexts = false
    settings.members["doc"] = .object(
      NativeFunction("doc") { [unowned self] arguments, _ in
        let names = arguments.positional.map(\.text)
        guard (1...2).contains(names.count) else {
          throw DBTError(.compilation, "doc() takes at most two arguments (\(names.count) given)")
        }
        let block = try block(names[names.count - 1], in: names.count == 2 ? names[0] : nil, for: package)
        used.append(block.uniqueID)
        return .string(block.contents)
      })
    let scope = DBTScope(settings)
    scopes[package] = scope
    return scope
  }

  private func block(_ name: String, in named: String?, for package: String) throws(DBTError) -> DocumentationBlock {
    for candidate in ResourceLookup.packages(environment.root, node: package, named: named) {
      if let candidate {
        if let block = docs[candidate]?[name] { return block }
      } else {
        for known in environment.packages.keys { if let block = docs[known]?[name] { return block } }
      }
    }
    let place = named.map { " in package '\($0)'" } ?? ""
    throw DBTError(.compilation, "Documentation for '\(name)' not found\(place)")
  }
}
