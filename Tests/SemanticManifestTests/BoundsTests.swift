import Foundation
import PlainData
import Testing

@testable import SemanticManifest

/// Manifests made to hurt: what would take forever or too much in MetricFlow ends with an error here.
@Suite struct BoundsTests {
  // MARK: Manifests

  static func model(_ name: String, entity: String = "ship", measures: [String] = ["tons"]) -> PlainValue {
    [
      "name": .string(name), "defaults": ["agg_time_dimension": "day_of"],
      "node_relation": ["alias": .string(name), "schema_name": "public"],
      "entities": [["name": .string(entity), "type": "primary"]],
      "dimensions": [["name": "day_of", "type": "time", "type_params": ["time_granularity": "day"]]],
      "measures": .array(measures.map { ["name": .string($0), "agg": "sum"] }),
    ]
  }

  static func simple(_ name: String, filter: String? = nil) -> PlainValue {
    [
      "name": .string(name), "type": "simple", "filter": filter.map(PlainValue.string) ?? .null,
      "type_params": ["measure": "tons", "input_measures": ["tons"]],
    ]
  }

  /// A metric that says which measures it is made of, as dbt writes it, so that nobody looks for them.
  static func derived(_ name: String, _ expression: String, _ input: String, filter: String? = nil) -> PlainValue {
    [
      "name": .string(name), "type": "derived", "filter": filter.map(PlainValue.string) ?? .null,
      "type_params": [
        "expr": .string(expression), "metrics": [["name": .string(input)]], "input_measures": ["tons"],
      ],
    ]
  }

  static func manifest(
    _ metrics: [PlainValue], models: [PlainValue] = [model("ships")], queries: [PlainValue] = []
  ) throws -> SemanticManifest {
    try SemanticManifest(
      semanticModels: models, metrics: metrics, savedQueries: queries, timeSpines: [], formerTimeSpine: nil)
  }

  static func conversionError(_ metrics: [PlainValue], models: [PlainValue] = [model("ships")]) throws
    -> OpenSemanticError?
  {
    do {
      _ = try manifest(metrics, models: models).openSemanticDocument()
      return nil
    } catch let error as OpenSemanticError {
      return error
    }
  }

  // MARK: Metrics of metrics

  @Test(arguments: [nil, "x = 1"]) func circlesEnd(filter: String?) throws {
    let circle = [
      Self.derived("aa", "bb + 1", "bb", filter: filter), Self.derived("bb", "aa * 2", "aa", filter: filter),
    ]
    let error = try #require(try Self.conversionError(circle))
    #expect(error.kind == .notGenerated)
    #expect(error.type == "RecursionError")
    #expect(try Self.manifest(circle).issues().isEmpty)
  }

  @Test func circlesAreFoundWhileMeasuresAreLookedUp() throws {
    let circle: [PlainValue] = ["aa", "bb", "cc"].map { name in
      let next = ["aa": "bb", "bb": "cc", "cc": "aa"][name] ?? ""
      return [
        "name": .string(name), "type": "derived",
        "type_params": ["expr": .string(next), "metrics": [["name": .string(next)]]],
      ]
    }
    #expect(try Self.conversionError(circle)?.type == "RecursionError")
  }

  @Test func chainsAreFollowedWithoutMuchStack() throws {
    func chain(_ count: Int) -> [PlainValue] {
      [Self.simple("n0")] + (1..<count).map { Self.derived("n\($0)", "n\($0 - 1) + 1", "n\($0 - 1)") }
    }
    let (short, long) = (chain(400).reversed() as [PlainValue], chain(5000).reversed() as [PlainValue])
    let found = try onSmallThread { (try Self.conversionError(short)?.type, try Self.conversionError(long)?.type) }
    #expect(found.0 == nil)
    #expect(found.1 == "RecursionError")
  }

  @Test func expressionsThatDoubleEnd() throws {
    let metrics = [Self.simple("n0")] + (1..<60).map { Self.derived("n\($0)", "n\($0 - 1) + n\($0 - 1)", "n\($0 - 1)") }
    let error = try #require(try Self.conversionError(metrics))
    #expect(error.kind == .notGenerated)
    #expect(error.message.contains("expressions of more than"))
  }

  @Test func filtersThatMultiplyEnd() throws {
    let metrics =
      [Self.simple("n0")]
      + (1..<60).map { level -> PlainValue in
        let inputs = ["a", "b"].map { alias -> PlainValue in
          [
            "name": .string("n\(level - 1)"), "alias": .string(alias),
            "filter": .string("\(alias)\(level) = 1"),
          ]
        }
        return [
          "name": .string("n\(level)"), "type": "derived",
          "type_params": ["expr": "a + b", "metrics": .array(inputs), "input_measures": ["tons"]],
        ]
      }
    #expect(try Self.conversionError(metrics)?.type == "limit")
  }

  @Test func entitiesOfManyModelsEnd() throws {
    let models = (0..<1500).map { Self.model("m\($0)", measures: ["tons\($0)"]) }
    let error = try #require(try Self.conversionError([], models: models))
    #expect(error.message.contains("relationships"))
  }

  // MARK: Size

  @Test func thousandsOfMetricsAreChecked() throws {
    let metrics = (0..<3000).map { Self.simple("m\($0)", filter: "{{ Dimension('ship__d\($0)') }} = 1") }
    let manifest = try Self.manifest(metrics)
    #expect(manifest.issues().isEmpty)
    let document = try manifest.openSemanticDocument().document
    #expect(document["semantic_model"]?.arrayValue?.first?["metrics"]?.arrayValue?.count == 3000)
  }

  @Test func messagesThatGrowWithTheSquareEnd() throws {
    let names = (0..<3000).map { "a_rather_long_name_of_a_semantic_model_that_has_the_same_measure_\($0)" }
    let issues = try Self.manifest([Self.simple("aa")], models: names.map { Self.model($0) }).issues()
    let bytes = issues.reduce(0) { $0 + $1.message.utf8.count }
    #expect(bytes < Checker.messageBytes + (1 << 20))
    #expect(issues.contains { $0.message.contains("more issues than fit") })
  }

  // MARK: Filters

  static let hostile = [
    "{{ " + String(repeating: "(", count: 50_000) + "1" + String(repeating: ")", count: 50_000) + " }}",
    String(repeating: "{% if 1 %}", count: 5_000),
    "{% for a in range(100000) %}{% for b in range(100000) %}{{ a }}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{{ Dimension('ship__d' ~ a) }}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ 'x' * 999999999 }}",
    "{% set l = [] %}{% for i in range(99999) %}{% set _ = l.append(l) %}{% endfor %}{{ l }}",
    "{{ cycler.__init__.__globals__ }}",
    String(repeating: "x = 1 and ", count: 200_000),
  ]

  @Test(arguments: hostile.indices) func hostileFiltersEnd(index: Int) throws {
    let filter = Self.hostile[index]
    let clock = ContinuousClock.now
    let query: PlainValue = [
      "name": "qq", "query_params": ["metrics": ["aa"], "where": .string(filter), "group_by": [.string(filter)]],
    ]
    let manifest = try Self.manifest([Self.simple("aa", filter: filter)], queries: [query])
    let messages = try onSmallThread { manifest.issues().map(\.message) }
    #expect(messages.allSatisfy { $0.utf8.count < 8 << 20 })
    #expect(messages.contains { $0.contains("Error while parsing Jinja template") })
    #expect(ContinuousClock.now - clock < FilterSandbox.totalTime)
  }

  // MARK: Refusals

  @Test func refusalsNameTheMember() throws {
    let wrong: [(PlainValue, String)] = [
      (["name": "aa"], "metric aa does not fit the semantic manifest: type: is missing"),
      (
        ["name": "aa", "type": "sum"],
        "metric aa does not fit the semantic manifest: type: must be one of simple, ratio, cumulative, derived, conversion"
      ),
      (
        ["name": "aa", "type": "simple", "type_params": ["input_measures": [["alias": "x"]]]],
        "metric aa does not fit the semantic manifest: type_params.input_measures.0.name: is missing"
      ),
      (
        ["name": "aa", "type": "derived", "type_params": ["window": "7 long days"]],
        "metric aa does not fit the semantic manifest: type_params.window: must be a count and a granularity, as `28 days`"
      ),
      ("aa", "metric number 1 does not fit the semantic manifest: must be an object, is a string"),
    ]
    for (metric, message) in wrong {
      let error = #expect(throws: SemanticManifestError.self) { try Self.manifest([metric]) }
      #expect(error?.description == message)
    }
  }
}

/// Runs a body on a thread with half a megabyte of stack, as the threads of Swift's pool have.
func onSmallThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
  nonisolated(unsafe) var result: Swift.Result<Result, any Error>?
  let done = DispatchSemaphore(value: 0)
  let thread = Thread {
    result = Swift.Result { try body() }
    done.signal()
  }
  thread.stackSize = 512 << 10
  thread.start()
  done.wait()
  return try #require(result).get()
}
