import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

extension Engine {
  /// Renders the code of the command line and executes it as one statement: `dbt run-operation --sql`. Blocks.
  ///
  /// Never throws: a failure is in the result.
  package func executeInline(in run: RunContext, cancellation: Cancellation) -> NodeResult {
    let started = UTCTime.now.seconds
    let id = project.manifest.nodes.values.first { $0.resourceType == .sqlOperation }?.uniqueID ?? ""
    var result = NodeResult(uniqueID: id, status: .success)
    result.threadID = "MainThread"
    result.failures = 0
    let connection = run.connection(Node.inlineName, node: nil, cancellation)
    defer { connection.close() }
    do {
      guard let node = project.manifest.nodes[id] else { throw DBTError(.internal, "there is no statement to execute") }
      try connection.clearTransaction()
      let compiled = try NodeCompiler(run: run, connection: connection, threadName: "MainThread").compile(node)
      result.timing = [NodeTiming(name: "compile", startedAt: started, completedAt: UTCTime.now.seconds)]
      let answer = try connection.execute(compiled.code, autoBegin: true, fetch: .none)
      result.adapterResponse = AdapterResponse(answer).fields
    } catch {
      let known = DBTError(error, node: nil)
      result.status = .error
      result.message = run.scrub(known.description)
      result.errorKind = EngineError(known).kind
      result.failures = 1
    }
    let ended = UTCTime.now.seconds
    result.timing.append(NodeTiming(name: "execute", startedAt: started, completedAt: ended))
    result.executionTime = ended - started
    return result
  }

  /// The first rows of a seed's file as `dbt seed --show` prints them; nil for what is no seed.
  package func seedPreview(_ uniqueID: String) -> String? {
    guard let node = project.manifest.nodes[uniqueID], node.resourceType == .seed,
      let table = try? SeedFile.table(node, begin(RunRequest(.seed, settings: settings)))
    else { return nil }
    return table.printed(maxRows: 10, maxColumns: nil)
  }
}
