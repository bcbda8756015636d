import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// `graph`: every resource as a dict by its unique id. Built part by part when a template looks.
final class GraphObject: Object {
  private let manifest: Manifest
  private var parts: [String: Value] = [:]
  private static let names = [
    "exposures", "functions", "groups", "metrics", "nodes", "sources", "semantic_models", "saved_queries", "unit_tests",
  ]

  init(_ manifest: Manifest) { self.manifest = manifest }

  var typeName: String { "dict" }
  var kinds: ValueKinds { [.mapping, .sequence, .iterable] }
  var count: Int? { Self.names.count }

  func iterate(_ evaluation: Evaluation) throws -> [Value]? { Self.names.map { .string($0) } }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? { key.stringValue.flatMap(part) }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "get":
      .function(name, ["key", "default?"]) { [self] values, _ in
        values[0]?.stringValue.flatMap(part) ?? values[1] ?? .none
      }
    case "keys": .function(name) { _, _ in .list(Self.names.map { .string($0) }) }
    case "values": .function(name) { [self] _, _ in .list(Self.names.compactMap(part)) }
    case "items":
      .function(name) { [self] _, _ in
        .list(Self.names.compactMap { name in part(name).map { .tuple([.string(name), $0]) } })
      }
    default: part(name)
    }
  }

  private func part(_ name: String) -> Value? {
    if let known = parts[name] { return known }
    let documents: OrderedDictionary<String, PlainValue>
    switch name {
    case "nodes": documents = manifest.nodes.mapValues { $0.json() }
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
