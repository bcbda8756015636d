package import DBTContext
import DBTProject
import OrderedCollections
import PlainData

/// `dbt docs generate`: compiles what is selected and describes what stands in the database in `catalog.json`.
package struct DocumentationRun {
  private let engine: Engine
  private let cancellation: Cancellation
  private let sink: @Sendable (LogLine) -> Void

  /// - Parameter sink: receives every line; called from several threads.
  package init(engine: Engine, cancellation: Cancellation, sink: @escaping @Sendable (LogLine) -> Void) {
    self.engine = engine
    self.cancellation = cancellation
    self.sink = sink
  }

  /// Writes `catalog.json`, the folders of the project's `asset-paths`, and what compiling writes: `manifest.json` and
  /// `run_results.json`.
  ///
  /// - Parameters:
  ///   - compiles: false writes no manifest and describes every relation of the project (`--no-compile`).
  ///   - asksDatabase: false writes a catalog without entries (`--empty-catalog`).
  /// - Throws: the first node that cannot be compiled, or a database that cannot be asked.
  package func run(_ request: RunRequest, compiles: Bool, asksDatabase: Bool) throws(EngineError) {
    let plan = try engine.plan(request)
    var context = engine.begin(request, plan: plan, sink: sink)
    if compiles {
      let (summary, run) = try LocalRunner(engine: engine, cancellation: cancellation, sink: sink).run(
        request, plan: plan)
      context = run
      try Artifacts(run).write(summary.results, elapsed: summary.elapsed)
      try Artifacts(run).writeSemantics()
      try summary.refuseInterruption()
      if let failed = summary.results.first(where: { $0.status == .error }) {
        throw EngineError(.runtime, failed.message ?? "\(failed.uniqueID) could not be compiled")
      }
    }
    if let target = context.files.folder {
      do throws(ProjectError) {
        try AssetFolders(of: engine.project.project).copy(to: target)
      } catch {
        throw EngineError(error)
      }
    }
    var catalog: (nodes: PlainObject, sources: PlainObject) = ([:], [:])
    if asksDatabase {
      sink(LogLine(.info, "Building catalog", event: "BuildingCatalog"))
      catalog = try CatalogBuilder(context, cancellation).build(compiles ? try wanted(request, plan) : nil)
    }
    let document = Artifacts(context).catalog(nodes: catalog.nodes, sources: catalog.sources)
    if let path = try Artifacts(context).write("catalog.json", document) {
      sink(LogLine(.info, "Catalog written to \(path)", event: "CatalogWritten"))
    }
  }

  /// The selected nodes and, by the same selection, sources.
  private func wanted(_ request: RunRequest, _ plan: RunPlan) throws(EngineError) -> [String] {
    do throws(ProjectError) {
      return plan.nodes.map(\.uniqueID) + (try RunPlanner(engine: engine, request: request).selectSources())
    } catch {
      throw EngineError(error)
    }
  }
}
