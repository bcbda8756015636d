import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// `graph`: every resource as a dict by its unique id, built part by part when a template looks, and what templates of the
/// run have added (see `SharedGraph`).
final class GraphObject: Object {
  private let run: RunContext
  private let connection: DatabaseConnection
  private var parts: [String: Value] = [:]
  private static let names = [
    "exposures", "functions", "groups", "metrics", "nodes", "sources", "semantic_models", "saved_queries", "unit_tests",
  ]

  init(_ run: RunContext, _ connection: DatabaseConnection) {
    self.run = run
    self.connection = connection
  }

  var typeName: String { "dict" }
  var kinds: ValueKinds { [.mapping, .sequence, .iterable] }
  var count: Int? { Self.names.count + added.count }

  func iterate(_ evaluation: Evaluation) throws -> [Value]? { keys }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    if let name = key.stringValue, let part = part(name) { return part }
    try key.requireHashable()
    return connection.graph.isUsed ? connection.graphEntries[key] : nil
  }

  func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? { try item(element, evaluation) != nil }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "get":
      .function(name, ["key", "default?"]) { [self] values, evaluation in
        try item(values[0] ?? .none, evaluation) ?? values[1] ?? .none
      }
    case "setdefault":
      .function(name, ["key", "default?"]) { [self] values, evaluation in
        let key = values[0] ?? .none
        if let known = try item(key, evaluation) { return known }
        let value = values[1] ?? .none
        connection.graphEntries[key] = value
        return value
      }
    case "keys": .function(name) { [self] _, _ in .list(keys) }
    case "values":
      .function(name) { [self] _, _ in .list(Self.names.compactMap(part) + added.map(\.value)) }
    case "items":
      .function(name) { [self] _, _ in
        let own = Self.names.compactMap { name in part(name).map { Value.tuple([.string(name), $0]) } }
        return .list(own + added.map { .tuple([$0.key, $0.value]) })
      }
    // Resources cannot be replaced or removed.
    case "update", "pop": try evaluation.attribute(name, of: .dict(connection.graphEntries))
    default: try item(.string(name), evaluation)
    }
  }

  private var keys: [Value] { Self.names.map { .string($0) } + added.map(\.key) }

  private var added: [(key: Value, value: Value)] { connection.graph.isUsed ? connection.graphEntries.pairs : [] }

  private func part(_ name: String) -> Value? {
    if let known = parts[name] { return known }
    let manifest = run.engine.project.manifest
    let documents: OrderedDictionary<String, PlainValue>
    switch name {
    case "nodes":
      // As in dbt: of what a run finds out about nodes, templates of the run see the macros.
      let notes = run.nodeNotes
      documents = manifest.nodes.mapValues { notes[$0.uniqueID]?.added(to: $0).json() ?? $0.json() }
    case "sources": documents = manifest.sources.mapValues { $0.json() }
    case "exposures": documents = manifest.exposures.mapValues { $0.json() }
    case "metrics": documents = manifest.metrics.mapValues { $0.json() }
    case "groups": documents = manifest.groups.mapValues { $0.json() }
    case "semantic_models": documents = manifest.semanticModels.mapValues { $0.json() }
    case "saved_queries": documents = manifest.savedQueries.mapValues { $0.json() }
    case "unit_tests": documents = manifest.unitTests.mapValues { $0.json() }
    case "functions": documents = manifest.functions.mapValues { $0.json() }
    default: return nil
    }
    let value = Value(.object(documents))
    parts[name] = value
    return value
  }
}
