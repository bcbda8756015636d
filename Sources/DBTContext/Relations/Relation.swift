/// The name of a table, view or other thing in the database, with how it is to be written. Immutable.
///
/// Two relations are equal when every part, the type and all policies are equal.
package struct Relation: Sendable, Hashable {
  package private(set) var path: RelationPath
  package private(set) var type: RelationType?
  package private(set) var includePolicy: RelationPolicy
  package private(set) var quotePolicy: RelationPolicy
  /// dbt made it in this run, so that an unquoted name may differ in case.
  package private(set) var isDBTCreated: Bool
  /// Rows to which a reference is cut down; `--empty` sets 0.
  package private(set) var limit: Int?
  package private(set) var eventTimeFilter: EventTimeFilter?
  package private(set) var catalog: String?
  /// Whether it stands for a view of the information schema.
  package private(set) var isInformationSchema = false
  /// Such as `columns`; only in the information schema.
  package private(set) var informationSchemaView: String?

  /// The longest name PostgreSQL keeps, in characters.
  package static let nameLengthLimit = 63
  /// Types that can be renamed or atomically replaced on PostgreSQL.
  package static let renameableTypes: [RelationType] = [.view, .table]

  /// - Throws: `DBTError` (runtime) when a typed relation's identifier is longer than PostgreSQL keeps.
  package init(
    _ path: RelationPath, type: RelationType? = nil, includePolicy: RelationPolicy = RelationPolicy(),
    quotePolicy: RelationPolicy = RelationPolicy(), isDBTCreated: Bool = false, limit: Int? = nil,
    eventTimeFilter: EventTimeFilter? = nil, catalog: String? = nil
  ) throws(DBTError) {
    self.path = path
    self.type = type
    self.includePolicy = includePolicy
    self.quotePolicy = quotePolicy
    self.isDBTCreated = isDBTCreated
    self.limit = limit
    self.eventTimeFilter = eventTimeFilter
    self.catalog = catalog
    try check()
  }

  private func check() throws(DBTError) {
    guard let identifier = path.identifier, type != nil, !isInformationSchema,
      identifier.unicodeScalars.count > Relation.nameLengthLimit
    else { return }
    throw DBTError(
      .runtime, "Relation name '\(identifier)' is longer than \(Relation.nameLengthLimit) characters")
  }

  package var database: String? { path.database }
  package var schema: String? { path.schema }
  package var identifier: String? { path.identifier }

  package var canBeRenamed: Bool { !isInformationSchema && type.map(Relation.renameableTypes.contains) ?? false }
  package var canBeReplaced: Bool { canBeRenamed }

  // MARK: Text

  /// The name alone: `"db"."schema"."name"` under both policies.
  package func render() -> String {
    var parts = RelationComponent.allCases.compactMap { component -> String? in
      guard includePolicy[component], let part = path[component] else { return nil }
      return quotePolicy[component] ? Relation.quoted(part) : part
    }
    if let informationSchemaView { parts.append(informationSchemaView) }
    return parts.joined(separator: ".")
  }

  /// A name in double quotes; as in dbt, quotes inside are not doubled.
  package static func quoted(_ identifier: String) -> String { "\"\(identifier)\"" }

  /// What stands in SQL: the name, or a subquery when rows are limited or filtered by time.
  package var text: String {
    if type == .function { return render() }
    let limited = renderLimited()
    guard let condition = eventTimeFilter?.condition, !condition.isEmpty else { return limited }
    return "(select * from \(limited) where \(condition)) _dbt_et_filter_subq_\(identifier ?? "None")"
  }

  /// The name, or the subquery that limits its rows.
  package func renderLimited() -> String {
    guard let limit else { return render() }
    let cut = limit == 0 ? "where false limit 0" : "limit \(limit)"
    return "(select * from \(render()) \(cut)) _dbt_limit_subq_\(identifier ?? "None")"
  }

  // MARK: Variants

  package func quoting(_ parts: [RelationComponent: Bool]) -> Relation {
    var copy = self
    copy.quotePolicy = quotePolicy.replacing(parts)
    return copy
  }

  package func including(_ parts: [RelationComponent: Bool]) -> Relation {
    var copy = self
    copy.includePolicy = includePolicy.replacing(parts)
    return copy
  }

  /// With parts of its name replaced; nil removes a part.
  package func replacing(path parts: [RelationComponent: String?]) throws(DBTError) -> Relation {
    var copy = self
    for (component, value) in parts { copy.path[component] = value }
    try copy.check()
    return copy
  }

  package func replacing(type: RelationType?) throws(DBTError) -> Relation {
    var copy = self
    copy.type = type
    try copy.check()
    return copy
  }

  /// With rows limited; nil for all rows.
  package func limited(to limit: Int?) -> Relation {
    var copy = self
    copy.limit = limit
    return copy
  }

  package func filtered(by filter: EventTimeFilter?) -> Relation {
    var copy = self
    copy.eventTimeFilter = filter
    return copy
  }

  /// Marked as made by dbt in this run.
  package func created(_ isDBTCreated: Bool = true) -> Relation {
    var copy = self
    copy.isDBTCreated = isDBTCreated
    return copy
  }

  /// The schema (and database) alone.
  package func withoutIdentifier() -> Relation {
    var copy = including([.identifier: false])
    copy.path.identifier = nil
    return copy
  }

  /// A view of the information schema of the relation's database, or the information schema itself.
  package func informationSchema(view: String? = nil) -> Relation {
    var copy = self
    copy.path = RelationPath(database: database, identifier: "INFORMATION_SCHEMA")
    copy.type = .view
    copy.includePolicy = includePolicy.replacing([.database: database != nil, .schema: false, .identifier: true])
    copy.quotePolicy = quotePolicy.replacing([.identifier: false])
    copy.isDBTCreated = false
    copy.limit = nil
    copy.eventTimeFilter = nil
    copy.catalog = nil
    copy.isInformationSchema = true
    copy.informationSchemaView = view
    return copy
  }

  // MARK: Ephemeral models

  /// The name of the common table expression that stands for an ephemeral model.
  package static func ephemeralName(_ identifier: String) -> String { "__dbt__cte__\(identifier)" }

  /// The relation of an ephemeral model: the unquoted name of its common table expression.
  package static func ephemeral(
    _ identifier: String, limit: Int? = nil, eventTimeFilter: EventTimeFilter? = nil
  ) throws(DBTError) -> Relation {
    try Relation(
      RelationPath(identifier: ephemeralName(identifier)), type: .cte,
      quotePolicy: RelationPolicy(identifier: false), limit: limit, eventTimeFilter: eventTimeFilter)
  }

  // MARK: Matching

  /// Whether the given parts are this relation's. Unquoted names that dbt made match in any case.
  ///
  /// - Throws: `DBTError` when nothing is given, or when the name differs in case or quotes only.
  package func matches(
    database: String? = nil, schema: String? = nil, identifier: String? = nil
  ) throws(DBTError) -> Bool {
    let wanted: [(RelationComponent, String)] = [
      (.database, database), (.schema, schema), (.identifier, identifier),
    ].compactMap { component, value in value.map { (component, $0) } }
    guard !wanted.isEmpty else { throw DBTError(.runtime, "Tried to match relation, but no search path was passed!") }
    var isExact = true
    var isApproximate = true
    for (component, value) in wanted {
      let own = path[component]
      let isFolded = isDBTCreated && !quotePolicy[component]
      if isFolded ? own?.lowercased() != value.lowercased() : own != value { isExact = false }
      if Relation.bare(own?.lowercased() ?? "None") != Relation.bare(value.lowercased()) { isApproximate = false }
    }
    if isApproximate, !isExact {
      let target = try Relation(RelationPath(database: database, schema: schema, identifier: identifier))
      throw DBTError(
        .compilation,
        "When searching for a relation, dbt found an approximate match. Instead of guessing \nwhich relation to use, "
          + "dbt will move on. Please delete \(text), or rename it to be less ambiguous.\nSearched for: "
          + "\(target.text)\nFound: \(text)")
    }
    return isExact
  }

  /// What `matches` compares of an identifier at least: it neither finds nor complains of one where this differs.
  package static func folded(_ identifier: String) -> String { bare(identifier.lowercased()) }

  private static func bare(_ name: String) -> String {
    var name = name[...]
    while name.first == "\"" { name.removeFirst() }
    while name.last == "\"" { name.removeLast() }
    return String(name)
  }
}
