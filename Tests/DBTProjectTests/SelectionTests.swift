import OrderedCollections
import PlainData
import Testing

@testable import DBTProject

@Suite struct SelectionTests {
  /// seed → stg → mid → mart, with tests; other → mid; a test on two models.
  private func manifest() -> Manifest {
    var manifest = Manifest(projectName: "p")
    func add(
      _ type: ResourceType, _ name: String, _ folders: [String] = [], parents: [String] = [],
      tags: [String] = [], config: PlainObject = [:], generic: String? = nil
    ) {
      var node = Node(
        uniqueID: "\(type.rawValue).p.\(name)", resourceType: type, packageName: "p", name: name, alias: name,
        database: "d", schema: "s", path: name,
        originalFilePath: (["models"] + folders + [name + ".sql"]).joined(separator: "/"),
        fqn: ["p"] + folders + [name], rawCode: "select 1", config: config)
      node.tags = tags
      node.dependsOnNodes = parents
      node.testMetadata = generic.map { TestMetadata(name: $0, arguments: [:], namespace: nil) }
      manifest.nodes[node.uniqueID] = node
    }
    add(.seed, "raw")
    add(
      .model, "stg", ["staging"], parents: ["seed.p.raw", "source.p.src.t"], tags: ["daily"],
      config: ["materialized": "view"])
    add(.model, "other", parents: [])
    add(.model, "mid", parents: ["model.p.stg", "model.p.other"], config: ["materialized": "ephemeral"])
    add(.model, "mart", ["marts"], parents: ["model.p.mid"], tags: ["nightly"], config: ["materialized": "table"])
    add(.test, "unique_stg", parents: ["model.p.stg"], config: ["severity": "WARN"], generic: "unique")
    add(.test, "both", parents: ["model.p.stg", "model.p.other"])
    manifest.sources["source.p.src.t"] = SourceTable(
      uniqueID: "source.p.src.t", packageName: "p", sourceName: "src", name: "t", database: "d", schema: "s",
      identifier: "t", path: "models/sources.yml", fqn: ["p", "src", "t"], relationName: "t")
    manifest.linkMembers()
    return manifest
  }

  private func names(
    _ select: [String], exclude: [String] = [], indirect: IndirectSelection = .eager, command: String = "build"
  ) throws -> Set<String> {
    let selector = try NodeSelector(manifest: manifest())
    let ids = try selector.select(select, exclude: exclude, indirect: indirect, command: command)
    return Set(ids.map { String($0.split(separator: ".").last ?? "") })
  }

  @Test(arguments: [
    ("stg", "stg unique_stg both"), ("staging", "stg unique_stg both"), ("p.staging.stg", "stg unique_stg both"),
    ("+mid", "raw stg other mid unique_stg both"), ("mid+", "mid mart"), ("1+mart", "mid mart"),
    ("stg+1", "stg mid unique_stg both"), ("@other", "raw stg other mid mart both unique_stg"),
    ("tag:daily", "stg unique_stg both"), ("tag:*ly,path:models/marts", "mart"),
    ("path:models/staging", "stg unique_stg both"), ("models/staging/stg.sql", "stg unique_stg both"),
    ("stg.sql", "stg unique_stg both"), ("config.materialized:table", "mart"), ("resource_type:seed", "raw"),
    ("test_type:singular", "both"), ("test_name:uni*", "unique_stg"), ("source:src+", "stg mid mart unique_stg both"),
    ("package:p,mart", "mart"), ("config.severity:warn", "unique_stg"), ("m*", "mid mart"), ("nothing", ""),
  ])
  func criteriaChooseWhatDbtChooses(criterion: String, expected: String) throws {
    #expect(try names([criterion]) == Set(expected.split(separator: " ").map(String.init)))
  }

  @Test func unionIntersectionAndExclusion() throws {
    #expect(try names(["raw mart"]) == ["raw", "mart"])
    #expect(try names(["raw", "mart"]) == ["raw", "mart"])
    #expect(try names(["+mart,tag:daily"], command: "run") == ["stg"])
    #expect(try names(["+mart"], exclude: ["stg"], command: "run") == ["other", "mid", "mart"])
    #expect(try names([], command: "run") == ["stg", "other", "mid", "mart"])
  }

  @Test func testsComeAlongAsAsked() throws {
    #expect(try names(["stg"], indirect: .cautious) == ["stg", "unique_stg"])
    #expect(try names(["stg", "other"], indirect: .cautious) == ["stg", "other", "unique_stg", "both"])
    #expect(try names(["mid"], indirect: .buildable) == ["mid"])
    #expect(try names(["mid", "stg"], indirect: .buildable) == ["mid", "stg", "unique_stg", "both"])
    #expect(try names(["stg"], indirect: .empty) == ["stg"])
  }

  @Test(arguments: [
    "@stg+", "nonsense:x", "resource_type:thing", "test_type:thing", "source:a.b.c.d", "state:modified",
  ])
  func senselessCriteriaAreRefused(criterion: String) {
    #expect(throws: ProjectError.self) { try names([criterion]) }
  }

  @Test func nothingMatchingIsAWarning() throws {
    let selector = try NodeSelector(manifest: manifest())
    let selection = try selector.select(SelectionRequest(select: ["nobody"], resourceTypes: [.model]))
    #expect(selection.uniqueIDs.isEmpty)
    #expect(
      selection.warnings.map(\.message) == ["The selection criterion 'nobody' does not match any enabled nodes"])
  }

  @Test func namedSelectors() throws {
    let document: PlainValue = [
      "selectors": [
        ["name": "day", "definition": "tag:daily"],
        [
          "name": "all", "default": true,
          "definition": [
            "union": [
              ["method": "selector", "value": "day"], ["method": "fqn", "value": "mart"],
              ["exclude": ["test_type:singular"]],
            ]
          ],
        ],
      ]
    ]
    let selectors = try SelectorDefinitions(document, indirect: .eager)
    let selector = try NodeSelector(manifest: manifest(), selectors: selectors)
    let ids = try selector.select(SelectionRequest(resourceTypes: [.model, .test])).uniqueIDs
    #expect(Set(ids) == ["model.p.stg", "model.p.mart", "test.p.unique_stg"])
    let day = try selector.select(SelectionRequest(selector: "day", resourceTypes: [.model])).uniqueIDs
    #expect(day == ["model.p.stg"])
  }

  @Test func executionKeepsEdgesThroughWhatIsNotSelected() throws {
    let manifest = manifest()
    let graph = try ProjectGraph(manifest)
    let run = try ExecutionGraph(
      manifest: manifest, graph: graph, selected: ["seed.p.raw", "model.p.mart"], ordering: .dependencies)
    #expect(run.nodes["model.p.mart"]?.parents == ["seed.p.raw"])
    #expect(run.nodes["seed.p.raw"]?.children == ["model.p.mart"])
    #expect(run.nodes["seed.p.raw"]?.remaining == 2)
    #expect(Array(run.nodes.keys) == ["seed.p.raw", "model.p.mart"])
    #expect(run.descendants(of: "seed.p.raw") == ["model.p.mart"])
  }

  @Test func buildWaitsForTestsOfAllThatANodeReads() throws {
    let manifest = manifest()
    let graph = try ProjectGraph(manifest)
    let all = Array(manifest.nodes.keys)
    let build = try ExecutionGraph(manifest: manifest, graph: graph, selected: all, ordering: .gatedByTests)
    #expect(
      build.nodes["model.p.mid"]?.parents == ["model.p.other", "model.p.stg", "test.p.both", "test.p.unique_stg"])
    #expect(build.nodes["model.p.mart"]?.parents == ["model.p.mid"])
    let run = try ExecutionGraph(manifest: manifest, graph: graph, selected: all, ordering: .dependencies)
    #expect(run.nodes["model.p.mid"]?.parents == ["model.p.other", "model.p.stg"])
    let test = try ExecutionGraph(manifest: manifest, graph: graph, selected: all, ordering: .independent)
    #expect(test.nodes.values.allSatisfy { $0.parents.isEmpty })
  }

  @Test func unitTestsRunBeforeTheirModelInABuild() throws {
    var manifest = manifest()
    var test = ResourceEntry(
      uniqueID: "unit_test.p.mart.u", resourceType: .unitTest, packageName: "p", name: "u", fqn: ["p", "mart", "u"],
      originalFilePath: "models/u.yml", document: [:])
    test.dependsOnNodes = ["model.p.mart"]
    manifest.unitTests[test.uniqueID] = test
    let graph = try ProjectGraph(manifest)
    let build = try ExecutionGraph(
      manifest: manifest, graph: graph, selected: ["model.p.mid", "model.p.mart", test.uniqueID],
      ordering: .gatedByTests)
    #expect(build.nodes[test.uniqueID]?.parents == ["model.p.mid"])
    #expect(build.nodes["model.p.mart"]?.parents == ["model.p.mid", test.uniqueID])
  }

  @Test func cyclesAreNamed() {
    var manifest = manifest()
    manifest.nodes["model.p.other"]?.dependsOnNodes = ["model.p.mart"]
    let error = #expect(throws: ProjectError.self) { try ProjectGraph(manifest) }
    #expect(error?.message == "Found a cycle: model.p.mid --> model.p.mart --> model.p.other")
  }
}
