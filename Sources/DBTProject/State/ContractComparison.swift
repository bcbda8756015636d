import OrderedCollections
import PlainData

/// What became of a model's enforced contract since an earlier manifest.
struct ContractComparison {
  /// Whether nothing changed.
  private(set) var isSame = false
  /// What readers of the model would miss, in dbt's words; empty when the change only adds.
  private(set) var breaks: [String] = []

  /// - Parameters:
  ///   - old: the earlier manifest's entry.
  ///   - new: the model in the same form.
  init(old: PlainObject, new: PlainObject) {
    let wasEnforced = old["contract"]?["enforced"] == true
    let isEnforced = new["contract"]?["enforced"] == true
    guard wasEnforced else {
      isSame = !isEnforced
      return
    }
    if isEnforced, old["contract"]?["checksum"] == new["contract"]?["checksum"] {
      isSame = true
      return
    }
    if !isEnforced {
      breaks.append(
        "Contract enforcement was removed: Previously, this model had an enforced contract. It is no longer configured "
          + "to enforce its contract, and this is a breaking change.")
    }
    compareColumns(old, new)
    compareConstraints(old, new)
  }

  private static let separator = "\n    - "

  /// PostgreSQL enforces all kinds that can be declared but custom ones.
  private static let enforced = ["check", "not_null", "unique", "primary_key", "foreign_key"]

  private static func enforcesConstraints(_ model: PlainObject) -> Bool {
    ["table", "incremental"].contains(model["config"]?["materialized"]?.stringValue ?? "")
  }

  private mutating func compareColumns(_ old: PlainObject, _ new: PlainObject) {
    let columns = new["columns"]?.objectValue ?? [:]
    var removed: [String] = []
    var retyped: [String] = []
    for (key, column) in (old["columns"]?.objectValue ?? [:]).sorted(by: { $0.key.precedes($1.key) }) {
      let name = column["name"]?.stringValue ?? key
      guard let present = columns[key] else {
        removed.append(name)
        continue
      }
      let (before, after) = (column["data_type"] ?? .null, present["data_type"] ?? .null)
      if Self.baseType(before) != Self.baseType(after) {
        retyped.append("\(name) (\(before.pythonText) -> \(after.pythonText))")
      }
    }
    if !removed.isEmpty { add("Columns were removed: ", removed) }
    if !retyped.isEmpty { add("Columns with data_type changes: ", retyped) }
  }

  /// A type without its length or precision, which may change freely.
  private static func baseType(_ type: PlainValue) -> String? {
    type.stringValue.map { String($0.prefix { $0 != "(" }).trimmed.lowercased() }
  }

  private mutating func compareConstraints(_ old: PlainObject, _ new: PlainObject) {
    guard Self.enforcesConstraints(old) else { return }
    let columns = new["columns"]?.objectValue ?? [:]
    var lost: [String] = []
    var hasColumnConstraints = false
    for (key, column) in (old["columns"]?.objectValue ?? [:]).sorted(by: { $0.key.precedes($1.key) }) {
      let before = column["constraints"]?.arrayValue ?? []
      hasColumnConstraints = hasColumnConstraints || !before.isEmpty
      guard let after = columns[key]?["constraints"]?.arrayValue ?? columns[key].map({ _ in [] }) else { continue }
      lost += Self.missing(before, after).map { "'\(Self.name($0))' constraint on column \(key)" }
    }
    if !lost.isEmpty { add("Enforced column level constraints were removed: ", lost) }
    let before = old["constraints"]?.arrayValue ?? []
    let gone = Self.missing(before, new["constraints"]?.arrayValue ?? []).map {
      "'\(Self.name($0))' constraint on columns \(($0["columns"] ?? []).pythonText)"
    }
    if !gone.isEmpty { add("Enforced model level constraints were removed: ", gone) }
    guard !Self.enforcesConstraints(new), !before.isEmpty || hasColumnConstraints else { return }
    func materialized(_ model: PlainObject) -> String { model["config"]?["materialized"]?.stringValue ?? "" }
    add("Materialization changed with enforced constraints: ", ["\(materialized(old)) -> \(materialized(new))"])
  }

  private static func missing(_ before: [PlainValue], _ after: [PlainValue]) -> [PlainValue] {
    before.filter { constraint in
      enforced.contains(constraint["type"]?.stringValue ?? "")
        && !after.contains { StateDocument.equal($0, constraint) }
    }
  }

  private static func name(_ constraint: PlainValue) -> String {
    constraint["name"]?.stringValue ?? constraint["type"]?.stringValue ?? ""
  }

  private mutating func add(_ title: String, _ entries: [String]) {
    breaks.append(title + Self.separator + entries.joined(separator: Self.separator))
  }
}
