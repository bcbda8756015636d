import DBTContext
import DBTProject
import Jinja
import OrderedCollections
package import PlainData

/// Rows of a query as `show` prints them.
package struct NodePreview: Sendable, Hashable {
  /// A table with borders of `|`, with a newline at its end.
  package let text: String
  /// A list of objects.
  package let rows: PlainValue
}

extension NodeRunner {
  /// Runs a node's code for its first rows, or loads a seed and takes them from its file.
  ///
  /// - Parameter load: makes the seed's table.
  func preview(_ compiled: CompiledNode?, load: () throws -> NodeResult) throws -> NodeResult {
    guard let compiled else {
      var result = try load()
      result.preview = try Self.preview(SeedFile.table(node, run))
      return result
    }
    let context = RenderContext(
      run, node: node, connection: connection, compiledCode: compiled.code, threadName: threadName)
    let limit = run.request.settings.limit
    guard let macro = run.engine.project.macros.macro(named: "get_show_sql", searchPackage: context.projectName) else {
      throw DBTError(.runtime, "dbt could not find a macro with the name \"get_show_sql\" in any package")
    }
    let header = node.config["sql_header"].map { Value($0) } ?? .none
    let sql = try context.scope.evaluation().call(
      macro.definition,
      Arguments([.string(compiled.code), header, limit < 0 ? .none : .int(limit)])
    ).text
    let answer = try connection.execute(sql, autoBegin: false, fetch: .all)
    guard let table = try Tables.make(answer).objectValue as? AgateTable else {
      throw DBTError(.internal, "the query gave no table")
    }
    run.keepCompiled(
      node.uniqueID,
      CompiledNode(rendered: compiled.rendered, code: sql, expressions: compiled.expressions, path: compiled.path))
    var result = NodeResult(uniqueID: node.uniqueID, status: .success)
    result.adapterResponse = AdapterResponse(answer).fields
    result.compiledCode = run.scrub(sql)
    result.preview = try Self.preview(table)
    return result
  }

  private static func preview(_ table: AgateTable) throws -> NodePreview {
    NodePreview(text: table.printed(maxRows: nil), rows: try table.plain() ?? [])
  }
}
