import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

extension NodeRunner {
  /// Makes the node's relation show what an earlier run built: dbt's `clone` for one node.
  ///
  /// PostgreSQL copies no tables by reference, so dbt's macro makes a view on the other relation. What is there already stays
  /// as it is unless everything is refreshed.
  func clone() throws -> NodeResult {
    let engine = run.engine
    var code: String?
    if let other = try engine.deferredRelation(of: node.uniqueID) {
      code = "select * from \(engine.deferral?[node.uniqueID]?.relationName ?? other.render())"
    }
    let macro = try run.materialization("clone")
    let context = RenderContext(
      run, node: node, connection: connection, compiledCode: code, ownCallDepth: 1, threadName: threadName)
    let answer = try context.scope.evaluation().call(macro.definition, Arguments())
    for relation in try MaterializationAnswer.relations(answer, node) { run.cache.add(relation.created()) }
    var result = NodeResult(uniqueID: node.uniqueID, status: .success)
    result.message = "No-op"
    if let main = context.results.main {
      result.message = main.response.text
      if let response = main.response.objectValue as? AdapterResponse {
        result.adapterResponse = response.fields
        result.message = response.message
      }
    }
    if node.resourceType != .seed {
      result.compiled = false
      result.relationName = node.relationName
    }
    return result
  }
}
