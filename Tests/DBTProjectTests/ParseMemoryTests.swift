import DBTContext
import Foundation
import OrderedCollections
import PlainData
import Secrets
import Testing

@testable import DBTProject

/// What is kept between loads never changes what a load says.
@Suite struct ParseMemoryTests {
  private static let project = [
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nvars: {day: monday}\n",
    "macros/m.sql": "{% macro pick(x) %}{{ config(meta={'picked': x}) }}{{ ref('base') }}{% endmacro %}",
    "models/base.sql": "select 1",
    "models/by_macro.sql": "{{ pick(var('day')) }}",
    "models/by_relation.sql": "{% if ref('base').schema == 'an' %}{{ ref('by_macro') }}{% endif %}",
    "models/by_environment.sql": "{{ config(tags=[env_var('TEAM', 'none')]) }} select 1",
    "models/by_time.sql": "{{ config(meta={'at': run_started_at.year}) }} select 1",
    "models/by_module.sql": "{{ config(meta={'on': modules.datetime.date(2024, 1, 2).year}) }} select 1",
    "models/by_name.sql": "{{ config(meta={'of': model.name}) }} select 1",
    "snapshots/s.sql":
      "{% snapshot s %}{{ config(strategy='check', unique_key='id', check_cols='all') }}select * from {{ ref('base') }}{% endsnapshot %}",
  ]

  private func load(
    _ fixture: ProjectFixture, _ before: [UInt8]?, vars: PlainObject = [:], environment: [String: String] = [:]
  ) throws -> LoadedProject {
    let invocation = Invocation(
      vars: vars, environment: ProcessEnvironment(values: environment), invocationID: "0",
      startedAt: try #require(PythonDateTime(unixSeconds: 0)), sink: { _ in })
    var options = LoadOptions(
      projectDirectory: fixture.folder, macroPackages: try DBTOracle.macroPackages.get())
    options.parsedBefore = { _ in before }
    return try ProjectLoader.load(options, invocation: invocation)
  }

  private func text(_ project: LoadedProject) -> String {
    PlainValue.array(
      project.manifest.nodes.values.map { node in
        var node = node
        node.createdAt = 0
        return node.json()
      }
    ).json()
  }

  private func counts(_ project: LoadedProject) throws -> [Int] {
    let counts = try #require(project.memory).counts
    return [counts.hits, counts.misses]
  }

  @Test func aSecondLoadRendersOnlyWhatLooksElsewhere() throws {
    let fixture = try ProjectFixture(Self.project)
    let first = try load(fixture, nil)
    // `base` is too plain to be rendered at all.
    #expect(try counts(first) == [0, 7])
    let document = try #require(first.memory?.document())
    let second = try load(fixture, document)
    #expect(try counts(second) == [3, 4])
    #expect(text(second) == text(first))
    #expect(second.memory?.document() == nil)
    #expect(first.manifest.nodes["model.shop.by_macro"]?.config["meta"] == ["picked": "monday"])
    #expect(first.manifest.nodes["model.shop.by_relation"]?.dependsOnNodes.contains("model.shop.by_macro") == true)
  }

  @Test(arguments: [
    ["models/by_macro.sql": "{{ pick('new') }}"],
    ["macros/m.sql": "{% macro pick(x) %}{{ config(meta={'picked': 'other'}) }}{{ ref('by_name') }}{% endmacro %}"],
    ["macros/n.sql": "{% macro ref(x) %}{{ return(builtins.ref('by_time')) }}{% endmacro %}"],
    ["dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nvars: {day: tuesday}\n"],
    [
      "dbt_project.yml":
        "name: shop\nversion: '1.0'\nprofile: shop\nvars: {day: monday}\nmodels: {shop: {+quoting: {identifier: false}}}\n"
    ],
    ["profiles.yml": ProjectFixture.profiles.replacing("schema: an", with: "schema: other")],
    ["models/base.sql": "{{ config(alias='z') }} select 2"],
  ])
  func aChangeIsSeen(change: [String: String]) throws {
    let fixture = try ProjectFixture(Self.project)
    let document = try #require(try load(fixture, nil).memory?.document())
    for (path, contents) in change {
      try contents.write(toFile: fixture.folder + "/" + path, atomically: true, encoding: .utf8)
    }
    #expect(text(try load(fixture, document)) == text(try load(fixture, nil)))
  }

  @Test func varsEnvironmentAndTimeAreSeen() throws {
    let fixture = try ProjectFixture(Self.project)
    let document = try #require(try load(fixture, nil).memory?.document())
    let byVar = try load(fixture, document, vars: ["day": "friday"])
    #expect(byVar.manifest.nodes["model.shop.by_macro"]?.config["meta"] == ["picked": "friday"])
    let byEnvironment = try load(fixture, document, environment: ["TEAM": "blue"])
    #expect(byEnvironment.manifest.nodes["model.shop.by_environment"]?.tags == ["blue"])
  }

  /// The text of a var may hold a template: what that looks at counts too.
  @Test func aVarThatReadsTheEnvironmentIsNotKept() throws {
    var files = Self.project
    files["dbt_project.yml"] =
      "name: shop\nversion: '1.0'\nprofile: shop\nvars: {day: \"{{ env_var('DAY', 'none') }}\"}\n"
    let fixture = try ProjectFixture(files)
    let document = try #require(try load(fixture, nil, environment: ["DAY": "one"]).memory?.document())
    let second = try load(fixture, document, environment: ["DAY": "two"])
    #expect(second.manifest.nodes["model.shop.by_macro"]?.config["meta"] == ["picked": "two"])
  }

  @Test(arguments: [
    "", "{", "[]", "null", "{\"format\": 1}", "{\"format\": 2, \"templates\": {}}",
    "{\"format\": 1, \"templates\": [1]}",
  ])
  func aDocumentThatIsNoneCountsForNothing(text: String) throws {
    let fixture = try ProjectFixture(Self.project)
    #expect(try counts(try load(fixture, Array(text.utf8))) == [0, 7])
  }

  @Test func entriesOfAnotherShapeCountForNothing() throws {
    let fixture = try ProjectFixture(Self.project)
    let first = try load(fixture, nil)
    let document = try PlainValue(json: try #require(first.memory?.document()))
    for entry in [
      PlainValue.null, 1, [:],
      ["refs": [[:]], "sources": [], "metrics": [], "functions": [], "macros": [], "calls": nil],
    ] {
      let broken: PlainValue = [
        "format": 1, "templates": .object(try #require(document["templates"]?.objectValue).mapValues { _ in entry }),
      ]
      #expect(text(try load(fixture, broken.jsonBytes())) == text(first))
    }
  }
}
