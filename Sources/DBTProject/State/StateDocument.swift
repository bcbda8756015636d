import OrderedCollections
import PlainData

/// A resource in the form of the manifest, comparable with the entry that an earlier manifest has for it.
struct StateDocument {
  let type: ResourceType
  let document: PlainObject
  private let isGenericTest: Bool
  /// Whether a source's place is compared as written, or else as it came out.
  private let comparesUnrendered: Bool

  init(_ member: any GraphMember, comparesUnrendered: Bool = true) {
    self.comparesUnrendered = comparesUnrendered
    type = member.resourceType
    isGenericTest = (member as? Node)?.isGenericTest ?? false
    let json: PlainValue? =
      switch member {
      case let node as Node: node.json()
      case let source as SourceTable: source.json()
      case let entry as ResourceEntry: entry.json()
      default: nil
      }
    document = json?.objectValue ?? [:]
  }

  private var isNode: Bool {
    switch type {
    case .model, .analysis, .test, .snapshot, .operation, .seed, .sqlOperation, .function: true
    default: false
    }
  }

  /// What dbt says of a resource that the earlier manifest lacks: nodes and unit tests differ, others do not.
  var isSameWhenNew: Bool { !isNode && type != .unitTest }

  /// Whether the question can be asked of this type; otherwise nothing of it is ever selected.
  func answers(_ question: StateComparison.Question) -> Bool {
    switch question {
    case .body, .persistedDescriptions, .contract: isNode
    case .relation: isNode || type == .source
    case .configs: isNode || [.source, .exposure, .metric, .semanticModel, .savedQuery].contains(type)
    default: true
    }
  }

  // MARK: Parts

  func hasSameBody(_ old: PlainObject) -> Bool {
    if type == .seed { return isSame(["checksum"], old) }
    return isSame(["raw_code"], old)
  }

  /// Compares configurations as written. Where a relation lies, its tags and its group are compared elsewhere or not.
  func hasSameConfig(_ old: PlainObject) -> Bool {
    if type == .semanticModel || type == .savedQuery { return isSame(["config"], old) }
    let mine = document["unrendered_config"]?.objectValue ?? [:]
    let theirs = old["unrendered_config"]?.objectValue ?? [:]
    if type == .test { return Self.testKeys.allSatisfy { Self.equal(mine[$0], theirs[$0]) } }
    let ignored = isNode ? Self.nodeKeys : type == .metric ? ["group"] : []
    return Set(mine.keys).union(theirs.keys).subtracting(ignored).allSatisfy { Self.equal(mine[$0], theirs[$0]) }
  }

  private static let nodeKeys: Set<String> = ["alias", "schema", "database", "tags", "group"]
  private static let testKeys = [
    "severity", "where", "limit", "fail_calc", "warn_if", "error_if", "store_failures", "store_failures_as",
    "sql_header",
  ]

  /// Compares descriptions as far as they are written into the database.
  func hasSamePersistedDescriptions(_ old: PlainObject) -> Bool {
    let persists = document["config"]?["persist_docs"]
    if persists?["relation"]?.isTruthy ?? false, !isSame(["description"], old) { return false }
    guard persists?["columns"]?.isTruthy ?? false else { return true }
    func descriptions(_ columns: PlainValue?) -> [String: PlainValue] {
      (columns?.objectValue ?? [:]).reduce(into: [:]) { $0[$1.key] = $1.value["description"] ?? "" }
    }
    return descriptions(document["columns"]) == descriptions(old["columns"])
  }

  /// Compares where the relation lies, as configured rather than as it came out.
  func hasSameRelation(_ old: PlainObject) -> Bool {
    if type == .source {
      let place = comparesUnrendered ? ["unrendered_database", "unrendered_schema"] : ["database", "schema"]
      return isSame(place + ["identifier"], old)
    }
    return ["database", "schema", "alias"].allSatisfy {
      Self.equal(document["unrendered_config"]?[$0], old["unrendered_config"]?[$0])
    }
  }

  /// Everything but macros and, for models, the contract.
  func hasSameContents(_ old: PlainObject) -> Bool {
    switch type {
    case .source:
      return hasSameRelation(old) && hasSameConfig(old)
        && isSame(["fqn", "quoting", "freshness", "loaded_at_field", "external"], old)
    case .exposure:
      return hasSameConfig(old) && isSame(["fqn", "type", "owner", "maturity", "url", "description", "label"], old)
        && Set(Self.parents(document)) == Set(Self.parents(old))
    case .metric: return hasSameConfig(old) && isSame(["type", "description", "label"], old)
    case .semanticModel:
      return hasSameConfig(old)
        && isSame(
          ["model", "description", "defaults", "entities", "dimensions", "measures", "primary_entity", "group"], old)
    case .savedQuery:
      return hasSameConfig(old) && isSame(["description", "label", "group", "tags"], old) && hasSameQuery(old)
    case .unitTest: return isSame(["checksum"], old)
    default: break
    }
    if isGenericTest { return hasSameConfig(old) && isSame(["fqn"], old) }
    guard hasSameBody(old), hasSameConfig(old), hasSamePersistedDescriptions(old), isSame(["fqn"], old),
      hasSameRelation(old)
    else { return false }
    if type == .function { return isSame(["arguments", "returns", "overloads"], old) }
    return type != .model || isSame(["latest_version", "access", "deprecation_date"], old)
  }

  private func hasSameQuery(_ old: PlainObject) -> Bool {
    for key in ["metrics", "group_by", "where"] {
      guard Self.equal(document["query_params"]?[key], old["query_params"]?[key]) else { return false }
    }
    let (mine, theirs) = (document["exports"]?.arrayValue ?? [], old["exports"]?.arrayValue ?? [])
    guard mine.count == theirs.count else { return false }
    return zip(mine, theirs).allSatisfy { left, right in
      Self.equal(left["name"], right["name"])
        && ["export_as", "schema", "alias"].allSatisfy {
          Self.equal(left["unrendered_config"]?[$0], right["unrendered_config"]?[$0])
        }
    }
  }

  private static func parents(_ document: PlainObject) -> [String] {
    (document["depends_on"]?["nodes"]?.arrayValue ?? []).compactMap(\.stringValue)
  }

  // MARK: Values

  private func isSame(_ keys: [String], _ old: PlainObject) -> Bool {
    keys.allSatisfy { Self.equal(document[$0], old[$0]) }
  }

  /// Equality as Python sees it: numbers by value, objects without regard to order, what is absent like null.
  static func equal(_ left: PlainValue?, _ right: PlainValue?) -> Bool {
    switch (left ?? .null, right ?? .null) {
    case (.array(let mine), .array(let theirs)):
      return mine.count == theirs.count && zip(mine, theirs).allSatisfy { equal($0, $1) }
    case (.object(let mine), .object(let theirs)):
      return Set(mine.keys).union(theirs.keys).allSatisfy { equal(mine[$0], theirs[$0]) }
    case (let mine, let theirs):
      if let first = mine.doubleValue, let second = theirs.doubleValue { return first == second }
      return mine == theirs
    }
  }
}
