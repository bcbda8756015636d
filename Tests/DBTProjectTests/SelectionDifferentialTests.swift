import Foundation
import OrderedCollections
import PlainData
import TestSupport
import Testing

@testable import DBTProject

/// dbt and we choose the same resources for the same arguments, and order a build alike.
@Suite struct SelectionDifferentialTests {
  /// Each a list of `--select` values, and after `|` of `--exclude` values.
  private static let selections = [
    "", "stg_a", "stg_a+", "+b", "1+b+1", "@sd", "b+1 stg_a", "tag:stg", "tag:*", "tag:hot", "+looping,tag:stg",
    "resource_type:test", "resource_type:source", "test_type:generic", "test_type:singular", "test_type:unit",
    "test_name:is_ok",
    "test_name:ut*", "source:raw", "source:raw.t1+", "exposure:dash", "+exposure:dash", "path:models/staging",
    "models/schema.yml", "path:seeds", "b.sql", "file:sd", "package:shop", "package:this,resource_type:model",
    "config.materialized:view", "config.severity:error", "config.enabled:true", "config.tags:hot",
    "config.meta.owner:a",
    "shop.staging", "shop.*", "s*", "group:g", "access:protected", "version:none", "snp", "shop.s.snp", "unit_test:ut1",
    "|stg_a", "+b|tag:stg", "b|test_type:generic", "|resource_type:test resource_type:unit_test", "nobody",
  ]

  private static let script = """
    import json, os, sys, tempfile
    request = json.load(sys.stdin)
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    from dbt.cli.main import dbtRunner
    out = os.dup(1)
    os.dup2(2, 1)
    target = tempfile.mkdtemp()
    common = ["--project-dir", request["folder"], "--profiles-dir", request["folder"], "--target-path", target,
      "--log-path", target]
    parsed = dbtRunner().invoke(["parse", "--no-partial-parse"] + common)
    if not parsed.success:
      sys.exit("dbt parse failed: %s" % parsed.exception)
    manifest = parsed.result
    runner = dbtRunner(manifest=manifest)
    answer = {"selections": [], "ancestors": {}}
    for entry in request["selections"]:
      select, _, exclude = entry["text"].partition("|")
      arguments = ["ls", "--output", "json", "--output-keys", "unique_id", "--indirect-selection", entry["mode"]]
      for name, values in (("--select", select), ("--exclude", exclude)):
        if values:
          arguments += [name] + values.split(" ")
      listed = runner.invoke(arguments + common + ["--quiet"])
      if not listed.success:
        sys.exit("dbt ls failed for %r: %s" % (entry, listed.exception))
      answer["selections"].append(sorted(json.loads(line)["unique_id"] for line in listed.result))
    import networkx
    from dbt.compilation import Linker
    from dbt.graph import Graph
    linker = Linker()
    linker.link_graph(manifest)
    linker.add_test_edges_1(manifest)
    graph = Graph(linker.graph).get_subset_graph(request["build"]).graph
    for node in graph.nodes:
      answer["ancestors"][node] = sorted(networkx.ancestors(graph, node))
    sys.stdout.flush()
    os.dup2(out, 1)
    json.dump(answer, sys.stdout)
    """

  @Test func selectionsAndBuildOrder() throws {
    let fixture = try ProjectFixture(SampleProjects.everything)
    let project = try fixture.load(macros: try DBTOracle.macroPackages.get())
    let selector = try project.selector()
    let build = try selector.select([], command: "build").filter { !$0.hasPrefix("unit_test.") }
    var entries: [(text: String, mode: IndirectSelection)] = Self.selections.map { ($0, .eager) }
    for mode in [IndirectSelection.cautious, .buildable, .empty] {
      entries += ["stg_a", "b", "stg_a b", "+b"].map { ($0, mode) }
    }
    let request: PlainValue = [
      "folder": .string(fixture.folder), "build": .strings(build),
      "selections": .array(entries.map { ["text": .string($0.text), "mode": .string($0.mode.rawValue)] }),
    ]
    let answer = try PlainValue(jsonText: try PythonPeer.run(Self.script, input: request.json()))
    for (entry, theirs) in zip(entries, answer["selections"]?.arrayValue ?? []) {
      let parts = entry.text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      let ours = try selector.select(
        parts[0].isEmpty ? [] : [parts[0]], exclude: parts.count > 1 ? [parts[1]] : [], indirect: entry.mode,
        command: "ls")
      let expected = (theirs.arrayValue ?? []).compactMap(\.stringValue)
      let (more, less) = (Set(ours).subtracting(expected), Set(expected).subtracting(ours))
      #expect(more.isEmpty && less.isEmpty, "\(entry.text) \(entry.mode.rawValue): more \(more), less \(less)")
    }
    let plan = try ExecutionGraph(
      manifest: project.manifest, graph: project.graph, selected: build, ordering: .gatedByTests)
    for (id, theirs) in answer["ancestors"]?.objectValue ?? [:] {
      #expect(Self.ancestors(of: id, in: plan) == Set((theirs.arrayValue ?? []).compactMap(\.stringValue)), "\(id)")
    }
  }

  private static func ancestors(of id: String, in plan: ExecutionGraph) -> Set<String> {
    var found: Set<String> = []
    var open = plan.nodes[id]?.parents ?? []
    while let next = open.popLast() {
      if found.insert(next).inserted { open += plan.nodes[next]?.parents ?? [] }
    }
    return found
  }
}
