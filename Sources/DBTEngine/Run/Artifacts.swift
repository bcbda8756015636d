import DBTContext
import DBTProject
import OrderedCollections
package import PlainData
import Secrets

/// The files that describe a run: `manifest.json` and `run_results.json`, in the forms of dbt 1.12.
package struct Artifacts {
  private let run: RunContext

  package init(_ run: RunContext) { self.run = run }

  /// The manifest with the code of what this run compiled, and what else it found out (v12).
  package func manifest() -> PlainValue {
    let project = run.engine.project
    var replaced = PlainObject()
    let documents = RunDocuments(run)
    for id in documents.ids { replaced[id] = project.manifest.node(id).flatMap(documents.entry) }
    return project.manifest.json(manifestMetadata, nodes: replaced)
  }

  private var manifestMetadata: ManifestMetadata {
    var metadata = ManifestMetadata(
      dbtVersion: run.invocation.dbtVersion, generatedAt: UTCTime.now.iso, invocationID: run.invocation.invocationID,
      invocationStartedAt: startedAt)
    metadata.environment = run.invocation.customEnvironment
    var quoting: PlainObject = ["database": true, "schema": true, "identifier": true, "column": nil]
    for (key, value) in run.engine.project.project.quoting where !value.isNull { quoting[key] = value }
    metadata.quoting = quoting
    return metadata
  }

  /// Writes `manifest.json` piece by piece.
  private func writeManifest() throws(DBTError) -> String? {
    let documents = RunDocuments(run)
    return try run.files.writeArtifact("manifest.json") { (sink: ([UInt8]) throws(DBTError) -> Void) throws(DBTError) in
      try run.engine.project.manifest.write(
        manifestMetadata, replacing: documents.entry, to: sink)
    }
  }

  /// The results of a command (v6).
  ///
  /// - Parameter elapsed: seconds.
  package func runResults(_ results: [NodeResult], elapsed: Double) -> PlainValue {
    [
      "metadata": metadata("run-results/v6"),
      "results": .array(results.map(\.artifactEntry)), "elapsed_time": .double(elapsed), "args": recordedArguments,
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

  /// The freshness of sources (v3): those that could be measured, as dbt has it.
  ///
  /// - Parameter elapsed: seconds.
  package func sources(_ results: [NodeResult], elapsed: Double) -> PlainValue {
    let entries = results.compactMap { result -> PlainValue? in
      guard var entry = result.freshness else { return nil }
      entry.updateValue(.string(result.uniqueID), forKey: "unique_id", insertingAt: 0)
      entry["status"] = .string(result.status.rawValue)
      entry["adapter_response"] = .object(result.adapterResponse)
      entry["timing"] = .array(result.timing.map(\.plain))
      entry["thread_id"] = .string(result.threadID)
      entry["execution_time"] = .double(result.executionTime)
      return .object(entry)
    }
    return ["metadata": metadata("sources/v3"), "results": .array(entries), "elapsed_time": .double(elapsed)]
  }

  /// What stands in the database (v1); see `CatalogBuilder`.
  package func catalog(nodes: PlainObject, sources: PlainObject) -> PlainValue {
    ["metadata": metadata("catalog/v1"), "nodes": .object(nodes), "sources": .object(sources), "errors": nil]
  }

  private func metadata(_ schema: String) -> PlainValue {
    [
      "dbt_schema_version": .string("https://schemas.getdbt.com/dbt/\(schema).json"),
      "dbt_version": .string(run.invocation.dbtVersion), "generated_at": .string(UTCTime.now.iso),
      "invocation_id": .string(run.invocation.invocationID), "invocation_started_at": .string(startedAt),
      "env": .object(run.invocation.customEnvironment),
    ]
  }

  /// Writes one document where the run writes.
  ///
  /// - Returns: its path, nil when the run writes nowhere.
  @discardableResult
  package func write(_ name: String, _ document: PlainValue) throws(EngineError) -> String? {
    do throws(DBTError) { return try run.files.writeArtifact(name, document) } catch { throw EngineError(error) }
  }

  /// Writes one document to a path of its own.
  package func write(_ document: PlainValue, to path: String) throws(EngineError) {
    do throws(DBTError) { try RunFiles.write(document.jsonBytes(.python), to: path) } catch { throw EngineError(error) }
  }

  /// Writes the files about semantic models and metrics where the run writes; see `SemanticArtifacts`. dbt
  /// does so when it has parsed the project and again after a run, and says each time what they cannot hold.
  ///
  /// - Throws: a parsing error where there is no time spine.
  package func writeSemantics() throws(EngineError) { try SemanticArtifacts(run).write() }

  /// Writes `manifest.json`, and with results `run_results.json` and `graph_summary.json`, where the run writes; nothing
  /// when it writes nowhere.
  ///
  /// - Returns: the paths written.
  @discardableResult
  package func write(_ results: [NodeResult]?, elapsed: Double) throws(EngineError) -> [String] {
    do throws(DBTError) {
      var paths = [try writeManifest()]
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

  /// `args` of run_results.json: what the templates saw. As in dbt, run-operation's also tell what is off, and tell no folder
  /// and no warning options, which are objects to dbt.
  private var recordedArguments: PlainValue {
    guard run.request.command == .runOperation else { return arguments }
    var members = arguments(run.invocation.flags.argumentsWhetherOnOrOff)
    for name in ["project_dir", "log_path", "state", "defer_state", "warn_error_options"] { members[name] = nil }
    return .object(members)
  }

  /// What the command was given, as templates of the run see it in `invocation_args_dict`.
  var arguments: PlainValue { .object(arguments(run.invocation.flags.arguments)) }

  private func arguments(_ flags: PlainObject) -> PlainObject {
    var members = flags
    for (name, value) in run.request.settings.flags where value.arrayValue?.isEmpty ?? false { members[name] = value }
    members["vars"] = .object(run.invocation.vars)
    if run.request.command != .runOperation, run.request.command != .parse {
      members["select"] = .array(run.request.select.map { .string($0) })
      members["exclude"] = .array(run.request.exclude.map { .string($0) })
    }
    members["which"] = .string(run.request.command.rawValue)
    let options = run.engine.options
    members["defer"] = .bool(run.request.settings.defers)
    members["favor_state"] = .bool(run.request.settings.favorsState)
    if let folder = options.stateFolder { members["state"] = .string(folder) }
    if let folder = options.deferStateFolder { members["defer_state"] = .string(folder) }
    if let selector = run.request.selector { members["selector"] = .string(selector) }
    if let mode = run.request.indirectSelection { members["indirect_selection"] = .string(mode) }
    for (name, types) in [
      ("resource_types", run.request.resourceTypes), ("exclude_resource_types", run.request.excludedResourceTypes),
    ] where !types.isEmpty { members[name] = .array(types.map { .string($0) }) }
    for (name, value) in run.request.operation where value != [:] { members[name] = value }
    return members
  }
}
