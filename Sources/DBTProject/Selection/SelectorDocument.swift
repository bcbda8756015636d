import OrderedCollections
import PlainData

/// The definitions of `selectors.yml` as the manifest keeps them: texts taken apart into `method`, `value` and the rest.
enum SelectorDocument {
  /// Each selector by its name.
  static func definitions(_ entries: [PlainValue]) -> PlainObject {
    var all = PlainObject()
    for entry in entries {
      guard let name = entry["name"]?.stringValue, var members = entry.objectValue else { continue }
      members["definition"] = members["definition"].map(definition)
      all[name] = .object(members)
    }
    return all
  }

  private static func definition(_ value: PlainValue) -> PlainValue {
    if let text = value.stringValue { return criterion(text) }
    guard let members = value.objectValue, let (key, first) = members.elements.first else { return value }
    for group in ["union", "intersection"] {
      if let parts = members[group]?.arrayValue { return .object([group: .array(parts.map(definition))]) }
    }
    let content = first.arrayValue.map { PlainValue.array($0.map(definition)) } ?? first
    if key == "exclude" { return .object([key: content]) }
    return members.count == 1 ? ["method": .string(key), "value": content] : value
  }

  /// A criterion as written on a command line; what it does not say is left out.
  private static func criterion(_ text: String) -> PlainValue {
    guard let criteria = try? SelectionCriteria(text, indirect: .eager) else {
      return ["error": "Invalid selector spec"]
    }
    var members = PlainObject()
    if criteria.withChildrensParents { members["childrens_parents"] = true }
    if criteria.withParents { members["parents"] = true }
    if let depth = criteria.parentsDepth { members["parents_depth"] = .string(String(depth)) }
    members["method"] = .string(([criteria.method.rawValue] + criteria.arguments).joined(separator: "."))
    if !criteria.text.isEmpty { members["value"] = .string(criteria.text) }
    if criteria.withChildren { members["children"] = true }
    if let depth = criteria.childrenDepth { members["children_depth"] = .string(String(depth)) }
    return .object(members)
  }
}
