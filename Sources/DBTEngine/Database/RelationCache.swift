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
/// need not ask the database what is there (dbt-engine.md §3.3).
final class RelationCache: Sendable {
  private struct Entry {
    var relation: Relation
    /// What reads it: dropped with it by `cascade`.
    var dependents: Set<RelationKey> = []
  }

  private struct State {
    var schemas: Set<RelationKey> = []
    var entries: [RelationKey: Entry] = [:]
  }

  private let state = Mutex(State())

  init() {}

  /// Whether a schema was listed before.
  func knows(database: String?, schema: String?) -> Bool {
    state.withLock { $0.schemas.contains(RelationKey(database, schema, nil)) }
  }

  /// Records that a schema was listed, even when nothing is in it.
  func addSchema(database: String?, schema: String?) {
    state.withLock { _ = $0.schemas.insert(RelationKey(database, schema, nil)) }
  }

  /// Forgets a schema and what is in it.
  func dropSchema(database: String?, schema: String?) {
    let schemaKey = RelationKey(database, schema, nil)
    state.withLock { state in
      state.schemas.remove(schemaKey)
      for key in state.entries.keys where key.schemaKey == schemaKey { Self.drop(key, in: &state) }
    }
  }

  /// Adds a relation unless one of its key is known.
  func add(_ relation: Relation) { state.withLock { Self.add(relation, to: &$0) } }

  /// Records that `dependent` reads `referenced`, when the schema of the latter is known at all.
  func addLink(from dependent: Relation, to referenced: Relation) {
    state.withLock { state in
      guard state.schemas.contains(RelationKey(referenced).schemaKey) else { return }
      for relation in [referenced, dependent] where state.entries[RelationKey(relation)] == nil {
        Self.add((try? relation.replacing(type: .external)) ?? relation, to: &state)
      }
      state.entries[RelationKey(referenced)]?.dependents.insert(RelationKey(dependent))
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
      guard var entry = state.entries[old] else {
        Self.add(new, to: &state)
        return true
      }
      guard newKey == old || state.entries[newKey] == nil else { return false }
      state.entries[old] = nil
      entry.relation = (try? new.replacing(type: entry.relation.type)) ?? new
      state.entries[newKey] = entry
      state.schemas.insert(newKey.schemaKey)
      for key in state.entries.keys where state.entries[key]?.dependents.remove(old) != nil {
        state.entries[key]?.dependents.insert(newKey)
      }
      return true
    }
  }

  /// Every known relation of a schema.
  func relations(database: String?, schema: String?) -> [Relation] {
    let schemaKey = RelationKey(database, schema, nil)
    return state.withLock { state in
      state.entries.filter { $0.key.schemaKey == schemaKey }.values.map(\.relation)
        .sorted { ($0.identifier ?? "") < ($1.identifier ?? "") }
    }
  }

  private static func add(_ relation: Relation, to state: inout State) {
    state.schemas.insert(RelationKey(relation).schemaKey)
    if state.entries[RelationKey(relation)] == nil { state.entries[RelationKey(relation)] = Entry(relation: relation) }
  }

  private static func drop(_ key: RelationKey, in state: inout State) {
    var open = [key]
    while let next = open.popLast() {
      guard let entry = state.entries.removeValue(forKey: next) else { continue }
      open += entry.dependents
    }
    let left = Set(state.entries.keys)
    for key in state.entries.keys { state.entries[key]?.dependents.formIntersection(left) }
  }
}
