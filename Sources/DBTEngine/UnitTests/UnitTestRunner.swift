import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// Runs one unit test: its model's code over fixtures, compared with the rows it expects. Over one connection, on one thread;
/// nothing it makes outlives it.
struct UnitTestRunner {
  private let run: RunContext
  private let test: ResourceEntry
  private let cancellation: Cancellation
  private let threadName: String

  init(_ run: RunContext, _ test: ResourceEntry, _ cancellation: Cancellation, threadName: String) {
    self.run = run
    self.test = test
    self.cancellation = cancellation
    self.threadName = threadName
  }

  /// Never throws: failures are in the result.
  func execute() -> NodeResult {
    let started = UTCTime.now.seconds
    var result: NodeResult
    var connection: DatabaseConnection?
    do {
      let unit = try UnitTestCase(test, run.engine)
      let opened = run.connection(test.uniqueID, node: unit.node, cancellation)
      connection = opened
      result = try outcome(unit, opened)
    } catch {
      result = failure(error, connection)
    }
    connection?.close()
    result.noteExecution(since: started)
    result.threadID = threadName
    result.message = result.message.map { run.scrub($0) }
    return result
  }

  private func outcome(_ unit: UnitTestCase, _ connection: DatabaseConnection) throws -> NodeResult {
    let compiled = try compile(unit, connection)
    let macro = try run.materialization("unit")
    let context = RenderContext(
      run, node: unit.node, connection: connection, compiledCode: compiled.code, threadName: threadName)
    do {
      _ = try context.scope.evaluation().call(macro.definition, Arguments())
    } catch {
      throw explained(error, unit, connection)
    }
    var result = try compare(context)
    result.compiled = true
    result.compiledCode = run.scrub(compiled.code)
    result.codePath = compiled.path
    return result
  }

  // MARK: Compiling

  private func compile(_ unit: UnitTestCase, _ connection: DatabaseConnection) throws -> CompiledNode {
    let context = RenderContext(
      run, node: unit.node, connection: connection, unitTest: unit, threadName: threadName)
    unit.overrides.apply(to: context.scope)
    let rendered = try context.render(unit.node.rawCode, path: unit.node.originalFilePath)
    var expressions: [CommonTableExpressions.Expression] = []
    for id in context.ephemerals {
      guard let input = unit.inputs.first(where: { $0.originalID == id }) else { continue }
      let code = try fixture(input, connection)
      expressions.append(
        .init(uniqueID: input.node.uniqueID, name: Relation.ephemeralName(input.expressionName), code: code))
    }
    let code = CommonTableExpressions.injected(into: rendered, expressions)
    let place = code.isEmpty ? nil : try run.files.write(code, .compiled, of: unit.node)
    return CompiledNode(rendered: rendered, code: code, expressions: expressions, path: place)
  }

  /// The SQL that gives the rows of an input, typed like the columns of what it stands in for.
  private func fixture(_ input: UnitTestCase.Input, _ connection: DatabaseConnection) throws(DBTError) -> String {
    let context = RenderContext(
      run, node: input.node, connection: connection, ownCallDepth: nil, threadName: threadName)
    if let rows = input.rows { context.scope.setMember(UnitTestCase.rowsMember, Value(rows)) }
    let code = try context.render(input.node.rawCode, path: input.node.originalFilePath)
    _ = try run.files.write(code, .compiled, of: input.node)
    return code
  }

  // MARK: Comparing

  private func compare(_ context: RenderContext) throws -> NodeResult {
    guard let main = context.results.main, let table = main.table.objectValue as? AgateTable else {
      throw DBTError(.runtime, "main is not being called during running the test")
    }
    let names = table.columnNames.map { $0.lowercased() }
    guard let side = names.firstIndex(of: "actual_or_expected") else {
      throw DBTError(.internal, "the answer to the unit test lacks the column actual_or_expected")
    }
    func rows(_ wanted: String) -> [[Value]] {
      table.rows.filter { $0[side].text == wanted }.map { row in
        row.indices.filter { $0 != side }.map { row[$0] }
      }
    }
    let difference = TableDifference(
      columns: names.indices.filter { $0 != side }.map { names[$0] }, expected: rows("expected"), actual: rows("actual")
    )
    var result = NodeResult(uniqueID: test.uniqueID, status: difference.isDifferent ? .fail : .pass)
    result.failures = difference.isDifferent ? 1 : 0
    if difference.isDifferent {
      result.message = "\n\nactual differs from expected:\n\n\(difference.rendered())\n"
    }
    result.adapterResponse = (main.response.objectValue as? AdapterResponse)?.fields ?? [:]
    return result
  }

  // MARK: Failures

  /// dbt's hint around what went wrong while the statements of the test ran.
  private func explained(_ error: any Error, _ unit: UnitTestCase, _ connection: DatabaseConnection) -> DBTError {
    var known = DBTError(error, node: nil)
    if known.kind == .database { known.stack = [] } else { known = DBTError(error, node: reference) }
    var outer = DBTError(
      .runtime,
      "An error occurred during execution of unit test '\(test.name)'. There may be an error in the unit test definition: "
        + "check the data types.\n \(known.description)", node: reference)
    outer.isTransient = known.isTransient
    return outer
  }

  private var reference: DBTContext.NodeReference {
    DBTContext.NodeReference(
      resourceType: "unit_test", name: UnitTestCase.versionedName(test), path: test.originalFilePath,
      uniqueID: test.uniqueID)
  }

  private func failure(_ error: any Error, _ connection: DatabaseConnection?) -> NodeResult {
    // An error of a fixture already names the fixture.
    let named = (error as? DBTError)?.node != nil
    let known = DBTError(error, node: named ? nil : reference)
    var result = NodeResult(uniqueID: test.uniqueID, status: .error)
    result.message = known.description
    result.errorKind = EngineError(known).kind
    result.isTransient = connection?.lastFailure?.isTransient ?? known.isTransient
    if connection?.lastFailure?.isCancelled ?? false || cancellation.isCancelled {
      result.errorKind = .cancelled
      result.isTransient = false
    }
    return result
  }
}
