import DBTContext
import Synchronization

/// What tells relations apart: the three names in lower case.
struct RelationKey: Sendable, Hashable {
  let database: String
  let schema: String
  let identifier: String

  init(_ database: String?, _ schema: String?, _ identifier: String?) {
    self.database = database?.lowercased() ?? ""
    self.schema = schema?.lowercased() ?? ""
    self.identifier = identifier?.lowercased() ?? ""
  }

  init(_ relation: Relation) { self.init(relation.database, relation.schema, relation.identifier) }

  var schemaKey: RelationKey { RelationKey(database, schema, nil) }
}

/// Which relations exist, as far as this run knows, and which views read which relations.
///
/// Shared by the threads of a run. Filled by listing schemas and kept up by what the macros report, so that a materialization
/// need not ask the database what is there (dbt-engine.md §3.3). Every node asks several times, so that nothing here but
/// listing a schema may take longer for a larger project.
final class RelationCache: Sendable {
  private struct Entry {
    var relation: Relation
    /// What reads it: dropped with it by `cascade`.
    var dependents: Set<RelationKey> = []
    /// What it reads: the same links from their other end.
    var references: Set<RelationKey> = []
  }

  private struct State {
    /// The known schemas, each with the keys of its relations by their folded names.
    var schemas: [RelationKey: [String: Set<RelationKey>]] = [:]
    var entries: [RelationKey: Entry] = [:]
  }

  private let state = Mutex(State())

  init() {}

  /// Whether a schema was listed before.
  func knows(database: String?, schema: String?) -> Bool {
    state.withLock { $0.schemas[RelationKey(database, schema, nil)] != nil }
  }

  /// Records that a schema was listed, even when nothing is in it.
  func addSchema(database: String?, schema: String?) {
    let key = RelationKey(database, schema, nil)
    state.withLock { if $0.schemas[key] == nil { $0.schemas[key] = [:] } }
  }

  /// Forgets a schema and what is in it.
  func dropSchema(database: String?, schema: String?) {
    state.withLock { state in
      let keys = state.schemas.removeValue(forKey: RelationKey(database, schema, nil)) ?? [:]
      for key in keys.values.joined() { Self.drop(key, in: &state) }
    }
  }

  /// Adds a relation unless one of its key is known.
  func add(_ relation: Relation) { state.withLock { Self.add(relation, to: &$0) } }

  /// Records that `dependent` reads `referenced`, when the schema of the latter is known at all.
  func addLink(from dependent: Relation, to referenced: Relation) {
    let (reader, read) = (RelationKey(dependent), RelationKey(referenced))
    state.withLock { state in
      guard state.schemas[read.schemaKey] != nil else { return }
      for (relation, key) in [(referenced, read), (dependent, reader)] where state.entries[key] == nil {
        Self.add((try? relation.replacing(type: .external)) ?? relation, to: &state)
      }
      guard reader != read else { return }
      state.entries[read]?.dependents.insert(reader)
      state.entries[reader]?.references.insert(read)
    }
  }

  /// Forgets a relation and everything that reads it, directly or through others.
  func drop(_ key: RelationKey) { state.withLock { Self.drop(key, in: &$0) } }

  /// Moves a relation to another name, keeping its type and what reads it. An unknown one is added under the new name.
  ///
  /// - Returns: false when another relation already has the new name, which means that names were truncated or the cache is wrong.
  func rename(_ old: RelationKey, to new: Relation) -> Bool {
    let newKey = RelationKey(new)
    return state.withLock { state in
      guard newKey == old || state.entries[old] == nil || state.entries[newKey] == nil else { return false }
      guard var entry = Self.remove(old, from: &state) else {
        Self.add(new, to: &state)
        return true
      }
      entry.relation = (try? new.replacing(type: entry.relation.type)) ?? new
      for key in entry.references { state.entries[key]?.dependents.insert(newKey) }
      for key in entry.dependents { state.entries[key]?.references.insert(newKey) }
      Self.insert(entry, newKey, into: &state)
      return true
    }
  }

  /// The known relations of a schema: all, or those that `Relation.matches` can find by a name or complain of.
  func relations(database: String?, schema: String?, named name: String? = nil) -> [Relation] {
    let schemaKey = RelationKey(database, schema, nil)
    return state.withLock { state in
      guard let keys = state.schemas[schemaKey] else { return [] }
      let wanted = name.map { Array(keys[Relation.folded($0)] ?? []) } ?? Array(keys.values.joined())
      return wanted.compactMap { state.entries[$0]?.relation }.sorted { ($0.identifier ?? "") < ($1.identifier ?? "") }
    }
  }

  private static func add(_ relation: Relation, to state: inout State) {
    let key = RelationKey(relation)
    if state.entries[key] == nil { insert(Entry(relation: relation), key, into: &state) }
  }

  private static func insert(_ entry: Entry, _ key: RelationKey, into state: inout State) {
    state.entries[key] = entry
    state.schemas[key.schemaKey, default: [:]][Relation.folded(key.identifier), default: []].insert(key)
  }

  /// Takes an entry out, and its key out of what other entries say of it.
  private static func remove(_ key: RelationKey, from state: inout State) -> Entry? {
    guard let entry = state.entries.removeValue(forKey: key) else { return nil }
    let name = Relation.folded(key.identifier)
    state.schemas[key.schemaKey]?[name]?.remove(key)
    if state.schemas[key.schemaKey]?[name]?.isEmpty ?? false { state.schemas[key.schemaKey]?[name] = nil }
    for other in entry.references { state.entries[other]?.dependents.remove(key) }
    for other in entry.dependents { state.entries[other]?.references.remove(key) }
    return entry
  }

  private static func drop(_ key: RelationKey, in state: inout State) {
    var open = [key]
    while let next = open.popLast() {
      if let entry = remove(next, from: &state) { open += entry.dependents }
    }
  }
}
