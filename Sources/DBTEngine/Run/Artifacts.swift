import DBTContext
import DBTProject
import OrderedCollections
package import PlainData
import Secrets

/// The files that describe a run: `manifest.json` and `run_results.json`, in the forms of dbt 1.12.
package struct Artifacts {
  private let run: RunContext

  package init(_ run: RunContext) { self.run = run }

  /// The manifest with the code of what this run compiled (v12).
  package func manifest() -> PlainValue {
    let project = run.engine.project
    var replaced = PlainObject()
    for (id, compiled) in run.compiledNodes {
      guard let node = project.manifest.node(id) else { continue }
      replaced[id] = entry(node, compiled)
    }
    var metadata = ManifestMetadata(
      dbtVersion: run.invocation.dbtVersion, generatedAt: UTCTime.now.iso, invocationID: run.invocation.invocationID,
      invocationStartedAt: startedAt)
    metadata.environment = customEnvironment
    var quoting: PlainObject = ["database": true, "schema": true, "identifier": true, "column": nil]
    for (key, value) in project.project.quoting where !value.isNull { quoting[key] = value }
    metadata.quoting = quoting
    return project.manifest.json(metadata, nodes: replaced)
  }

  /// The results of a command (v6).
  ///
  /// - Parameter elapsed: seconds.
  package func runResults(_ results: [NodeResult], elapsed: Double) -> PlainValue {
    [
      "metadata": [
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
        "dbt_version": .string(run.invocation.dbtVersion), "generated_at": .string(UTCTime.now.iso),
        "invocation_id": .string(run.invocation.invocationID), "invocation_started_at": .string(startedAt),
        "env": .object(customEnvironment),
      ],
      "results": .array(results.map(\.artifactEntry)), "elapsed_time": .double(elapsed), "args": arguments,
    ]
  }

  /// The shape of the graph with numbers for nodes, as `graph_summary.json` has it.
  private func graphSummary() -> PlainValue {
    let manifest = run.engine.project.manifest
    let ids = OrderedSet(manifest.memberIDs)
    var linked = PlainObject(minimumCapacity: ids.count)
    for (number, id) in ids.enumerated() {
      var members: PlainObject = [
        "name": .string(id), "type": .string(manifest.member(id)?.resourceType.rawValue ?? ""),
      ]
      let successors = (manifest.children[id] ?? []).compactMap { ids.firstIndex(of: $0) }
      if !successors.isEmpty { members["succ"] = .array(successors.map { .int($0) }) }
      linked[String(number)] = .object(members)
    }
    return ["_invocation_id": .string(run.invocation.invocationID), "linked": .object(linked)]
  }

  /// Writes both files where the run writes; nothing when it writes nowhere.
  ///
  /// - Returns: the paths written.
  @discardableResult
  package func write(_ results: [NodeResult]?, elapsed: Double) throws(EngineError) -> [String] {
    do throws(DBTError) {
      var paths = [try run.files.writeArtifact("manifest.json", manifest())]
      if let results {
        paths.append(try run.files.writeArtifact("graph_summary.json", graphSummary()))
        paths.append(try run.files.writeArtifact("run_results.json", runResults(results, elapsed: elapsed)))
      }
      return paths.compactMap { $0 }
    } catch {
      throw EngineError(error)
    }
  }

  private var startedAt: String { UTCTime(run.invocation.startedAt.unixSeconds).iso }

  private func entry(_ node: Node, _ compiled: CompiledNode) -> PlainValue {
    let node = ForeignKeys(engine: run.engine).rendered(node)
    guard var members = node.json().objectValue else { return node.json() }
    members["compiled_path"] = .string(compiled.path)
    members["compiled"] = true
    members["compiled_code"] = .string(run.scrub(compiled.code))
    members["extra_ctes_injected"] = true
    members["extra_ctes"] = .array(
      compiled.expressions.map { ["id": .string($0.uniqueID), "sql": .string(run.scrub($0.text))] })
    return .object(members)
  }

  private var customEnvironment: PlainObject {
    let prefix = Invocation.customPrefix
    let found = run.invocation.environment.values.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
    return PlainObject(found.map { (String($0.key.dropFirst(prefix.count)), .string($0.value)) }) { _, last in last }
  }

  private static let absentWhenOff: Set<String> = [
    "debug", "full_refresh", "fail_fast", "warn_error", "single_threaded", "log_cache_events", "store_failures",
    "use_experimental_parser",
  ]

  private var arguments: PlainValue {
    var members = PlainObject()
    for (name, value) in run.invocation.flags.values where !value.isNull {
      let name = name.lowercased()
      // As in dbt: some flags stand there only when they are on, and lists only where the command has them.
      if Self.absentWhenOff.contains(name), value.boolValue == false { continue }
      if value.arrayValue?.isEmpty ?? false, run.request.settings.flags[name] == nil { continue }
      members[name] = value
    }
    members["vars"] = .object(run.invocation.vars)
    members["select"] = .array(run.request.select.map { .string($0) })
    members["exclude"] = .array(run.request.exclude.map { .string($0) })
    members["which"] = .string(run.request.command.rawValue)
    return .object(members)
  }
}
