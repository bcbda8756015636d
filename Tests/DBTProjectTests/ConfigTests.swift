import Jinja
import OrderedCollections
import PlainData
import Testing

@testable import DBTProject

@Suite struct ConfigTests {
  private func project(_ models: PlainObject, name: String = "shop") throws -> ProjectConfig {
    let document: PlainObject = ["name": .string(name), "models": .object(models)]
    return try ProjectConfig(document, unrendered: document, root: "/")
  }

  @Test func levelsAreLaidOverEachOther() throws {
    let shop = try project([
      "+materialized": "view", "+tags": "a", "+meta": ["o": 1],
      "shop": ["+tags": ["b"], "+meta": ["p": 2], "staging": ["materialized": "table", "pre-hook": "x"]],
    ])
    let builder = ConfigBuilder(root: shop, packages: ["shop": shop])
    let config = try builder.build(
      .model, fqn: ["shop", "staging", "m"], package: "shop", calls: ["tags": ["d"], "schema": "s"],
      patch: ["tags": "c", "grants": ["select": "u"], "custom": 1])
    #expect(config["materialized"] == "table")
    #expect(config["tags"] == ["a", "b", "c", "d"])
    #expect(config["meta"] == ["o": 1, "p": 2])
    #expect(config["pre-hook"] == [["sql": "x", "transaction": true, "index": nil]])
    #expect(config["grants"] == ["select": ["u"]])
    #expect(config["custom"] == 1)
    #expect(config["schema"] == "s")
  }

  @Test func theRootProjectWinsOverPackages() throws {
    let root = try project(["lib": ["+materialized": "table", "+grants": ["+select": ["v"]]]])
    let lib = try project(["+materialized": "view", "+grants": ["select": ["u"]]], name: "lib")
    let builder = ConfigBuilder(root: root, packages: ["shop": root, "lib": lib])
    let config = try builder.build(.model, fqn: ["lib", "m"], package: "lib", calls: ["materialized": "ephemeral"])
    #expect(config["materialized"] == "table")
    #expect(config["grants"] == ["select": ["u", "v"]])
  }

  @Test func hooksInJSONAndStoredFailures() throws {
    #expect(try ConfigMerger.hook("{\"sql\": \"x\", \"transaction\": false}")["transaction"] == false)
    let shop = try project([:])
    let builder = ConfigBuilder(root: shop, packages: ["shop": shop])
    let stored = try builder.build(.test, fqn: ["shop", "t"], package: "shop", calls: ["store_failures": true])
    #expect(stored["store_failures_as"] == "table")
    let view = try builder.build(.test, fqn: ["shop", "t"], package: "shop", calls: ["store_failures_as": "ephemeral"])
    #expect(view["store_failures"] == false)
  }

  @Test func callsOfOneFileAreMerged() throws {
    var calls = PlainObject()
    try ConfigMerger.merge(call: ["tags": "a", "meta": ["x": 1]], into: &calls)
    try ConfigMerger.merge(call: ["tags": ["b"], "meta": ["y": 2], "materialized": "table"], into: &calls)
    #expect(calls == ["tags": ["a", "b"], "meta": ["x": 1, "y": 2], "materialized": "table"])
  }

  @Test(
    arguments: [
      ["enabled": "yes"], ["materialized": 3], ["meta": "x"], ["pre-hook": 4], ["tags": [1]], ["access": "secret"],
    ] as [PlainObject])
  func wrongValuesAreRefused(config: PlainObject) throws {
    let shop = try project([:])
    let builder = ConfigBuilder(root: shop, packages: ["shop": shop])
    #expect(throws: ProjectError.self) {
      try builder.build(.model, fqn: ["shop", "m"], package: "shop", calls: config)
    }
  }

  @Test(
    arguments: [
      ["name": "1x"], ["name": "x", "modles": [:]], ["version": "1"], ["name": "x", "config-version": 1],
      ["name": "x", "model-paths": "models"], ["name": "x", "model-paths": ["../elsewhere"]],
      ["name": "x", "version": "1"], ["name": "x", "version": "01.2"], ["name": "x", "version": "1.2-a"],
      ["name": "x", "version": true], ["name": "x", "dbt-cloud": "text"],
    ] as [PlainObject])
  func wrongProjectFilesAreRefused(document: PlainObject) {
    #expect(throws: ProjectError.self) { try ProjectConfig(document, unrendered: document, root: "/") }
  }

  @Test(arguments: ["1.0", "1.2.3", "0.1.0-rc.1+build.5", "1.2.3+5", 1, 1.5, nil] as [PlainValue])
  func versionsOfProjects(version: PlainValue) throws {
    let document: PlainObject = ["name": "x", "version": version]
    _ = try ProjectConfig(document, unrendered: document, root: "/")
  }

  @Test func requiredVersions() throws {
    let document: PlainObject = ["name": "x", "require-dbt-version": [">=1.3.0", "<2.0.0"]]
    let project = try ProjectConfig(document, unrendered: document, root: "/")
    try DBTVersion.check(project, installed: "1.12.6")
    #expect(throws: ProjectError.self) { try DBTVersion.check(project, installed: "1.2.9") }
    #expect(throws: ProjectError.self) { try DBTVersion.check(project, installed: "2.0.0") }
  }

  @Test func configCallsAreReadAsWritten() {
    let settings = CallText.keywords(
      of: "config",
      in:
        "-- config(no)\n{{ config(\n  materialized='table', meta={'x': 1,},\n  tags=[\"a\", 'b'], enabled=true) }} select 1"
    )
    #expect(settings == ["materialized": "table", "meta": "{'x': 1}", "tags": "['a', 'b']", "enabled": "True"])
    let odd = CallText.keywords(
      of: "config", in: "{% do config(tags=['a' if x.y in (1,) else 'b'], n=1 + 2, f=a|int) %}")
    #expect(
      odd == [
        "tags":
          "[CondExpr(test=Compare(expr=Getattr(node=Name(name='x', ctx='load'), attr='y', ctx='load'), "
          + "ops=[Operand(op='in', expr=Tuple(items=[Const(value=1)], ctx='load'))]), expr1=Const(value='a'), "
          + "expr2=Const(value='b'))]",
        "n": "Add(left=Const(value=1), right=Const(value=2))",
        "f": "Filter(node=Name(name='a', ctx='load'), name='int', args=[], kwargs=[], dyn_args=None, dyn_kwargs=None)",
      ])
    #expect(CallText.keywords(of: "config", in: "{{ other(config='x') }}") == nil)
  }
}
