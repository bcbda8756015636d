import DBTContext
import OrderedCollections
import PlainData

/// Tells what changed since an earlier manifest, by dbt's rules: the selection method `state`.
///
/// One thread uses it, for one selection; warnings gather in it.
final class StateComparison {
  /// dbt's sub-selectors.
  enum Question: String, CaseIterable {
    case new, old, modified, unmodified
    case body = "modified.body"
    case configs = "modified.configs"
    case persistedDescriptions = "modified.persisted_descriptions"
    case relation = "modified.relation"
    case macros = "modified.macros"
    case contract = "modified.contract"
  }

  private let manifest: Manifest
  private let previous: StateManifest
  private let comparesUnrendered: Bool
  /// Unique ids of macros that were added, changed or removed.
  private let changedMacros: Set<String>
  /// Whether a macro or anything it calls changed, as far as it was asked.
  private var knownMacros: [String: Bool] = [:]
  private(set) var warnings: [ProjectWarning] = []

  /// - Parameter comparesUnrendered: dbt's `state_modified_compare_more_unrendered_values`.
  init(manifest: Manifest, previous: StateManifest, comparesUnrendered: Bool = true) {
    self.comparesUnrendered = comparesUnrendered
    self.manifest = manifest
    self.previous = previous
    var changed: Set<String> = []
    for (id, macro) in manifest.macros where previous.macros[id] != macro.source { changed.insert(id) }
    for id in previous.macros.keys where manifest.macros[id] == nil { changed.insert(id) }
    changedMacros = changed
  }

  /// Unique ids of the members for which the question is answered with yes.
  ///
  /// - Throws: when an enforced contract of a versioned model was broken.
  func matches(_ question: Question, among members: [any GraphMember]) throws(ProjectError) -> Set<String> {
    var found: Set<String> = []
    for member in members where try holds(question, member) { found.insert(member.uniqueID) }
    if [.modified, .unmodified, .contract].contains(question) { try checkRemoved() }
    return found
  }

  private func document(_ member: any GraphMember) -> StateDocument {
    StateDocument(member, comparesUnrendered: comparesUnrendered)
  }

  private func holds(_ question: Question, _ member: any GraphMember) throws(ProjectError) -> Bool {
    let old = previous.entry(member.uniqueID)
    switch question {
    case .new: return old == nil
    case .old: return old != nil
    case .modified: return try isModified(member, old)
    case .unmodified: return try !isModified(member, old)
    case .macros: return hasChangedMacros(member)
    default: break
    }
    let new = document(member)
    guard new.answers(question) else { return false }
    guard let old else { return true }
    switch question {
    case .body: return !new.hasSameBody(old)
    case .configs: return !new.hasSameConfig(old)
    case .persistedDescriptions: return !new.hasSamePersistedDescriptions(old)
    case .relation: return !new.hasSameRelation(old)
    default: return try !contractIsSame(member, new, old)
    }
  }

  private func isModified(_ member: any GraphMember, _ old: PlainObject?) throws(ProjectError) -> Bool {
    let new = document(member)
    var isSame = old.map { new.hasSameContents($0) } ?? new.isSameWhenNew
    if let old, member.resourceType == .model { isSame = try contractIsSame(member, new, old) && isSame }
    return !isSame || hasChangedMacros(member)
  }

  // MARK: Contracts

  private func contractIsSame(
    _ member: any GraphMember, _ new: StateDocument, _ old: PlainObject
  ) throws(ProjectError) -> Bool {
    guard member.resourceType == .model else { return true }
    let comparison = ContractComparison(old: old, new: new.document)
    if !comparison.breaks.isEmpty { try report(comparison.breaks, new.document) }
    return comparison.isSame
  }

  /// Enabled models with an enforced contract must not vanish.
  private func checkRemoved() throws(ProjectError) {
    for (id, entry) in previous.nodes where entry["resource_type"] == "model" {
      var removed = entry.objectValue ?? [:]
      if let disabled = manifest.disabled[id]?.first {
        removed = disabled.json().objectValue ?? [:]
      } else if manifest.nodes[id] != nil {
        continue
      }
      guard removed["contract"]?["enforced"] == true else { continue }
      if let date = removed["deprecation_date"]?.stringValue, Self.isPast(date) { continue }
      let isEnabled = removed["config"]?["enabled"]?.boolValue ?? true
      try report(["Contracted model '\(id)' was \(isEnabled ? "deleted or renamed" : "disabled")."], removed)
    }
  }

  private static func isPast(_ date: String) -> Bool {
    let now = PythonDateTime(unixSeconds: Int(LoadRun.now()))?.replacing(zone: nil).isoText() ?? ""
    return String(date.prefix(19)).precedes(now)
  }

  /// Warns of breaking changes, each once; a versioned model makes them an error.
  private func report(_ breaks: [String], _ model: PlainObject) throws(ProjectError) {
    let name = model["name"]?.stringValue ?? ""
    let path = model["original_file_path"]?.stringValue ?? ""
    let reasons = breaks.joined(separator: "\n  - ")
    guard model["version"]?.isNull ?? true else {
      throw ProjectError(
        .contract,
        "While comparing to previous project state, dbt detected a breaking change to an enforced contract."
          + "\n  - \(reasons)\nConsider making an additive (non-breaking) change instead, if possible.\nOtherwise, "
          + "create a new model version: "
          + "https://docs.getdbt.com/docs/collaborate/govern/model-versions",
        resource: "model \(name)", path: path)
    }
    let warning = ProjectWarning(
      name: "UnversionedBreakingChange",
      message: "Breaking change to contracted, unversioned model \(name) (\(path))\nWhile comparing to previous "
        + "project state, dbt detected a breaking change to an unversioned model.\n  - \(reasons)\n")
    if !warnings.contains(warning) { warnings.append(warning) }
  }

  // MARK: Macros

  private func hasChangedMacros(_ member: any GraphMember) -> Bool {
    guard !changedMacros.isEmpty else { return false }
    let macros: [String]
    switch member {
    case let node as Node: macros = node.dependsOnMacros
    case let entry as ResourceEntry:
      macros = (entry.document["depends_on"]?["macros"]?.arrayValue ?? []).compactMap(\.stringValue)
    default: macros = []
    }
    return macros.contains(where: reachesChange)
  }

  /// Whether a macro changed or calls one that did, through any number of others.
  private func reachesChange(_ start: String) -> Bool {
    if let known = knownMacros[start] { return known }
    var seen: Set<String> = []
    var open = [start]
    var isChanged = false
    while let id = open.popLast(), !isChanged {
      guard seen.insert(id).inserted else { continue }
      isChanged = changedMacros.contains(id) || knownMacros[id] == true
      open += manifest.macros[id]?.dependsOnMacros ?? []
    }
    knownMacros[start] = isChanged
    if !isChanged { for id in seen { knownMacros[id] = false } }
    return isChanged
  }
}
