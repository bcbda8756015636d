import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// Builds what belongs to a function besides its own definition: its overloads, each of which may fail for itself.
struct FunctionOverloads {
  private let run: RunContext
  private let node: Node
  private let connection: DatabaseConnection
  private let threadName: String

  init(_ run: RunContext, _ node: Node, _ connection: DatabaseConnection, _ threadName: String) {
    self.run = run
    self.node = node
    self.connection = connection
    self.threadName = threadName
  }

  /// Builds them, save those that a run which is repeated has built, and answers the function's result.
  ///
  /// - Parameter context: the one in which the function itself was built.
  func finish(_ context: RenderContext) throws -> NodeResult {
    guard let main = context.results.main else {
      throw DBTError(.runtime, "main is not being called during running model")
    }
    var result = NodeResult(uniqueID: node.uniqueID, status: .success)
    result.message = main.response.text
    if let response = main.response.objectValue as? AdapterResponse { result.adapterResponse = response.fields }
    let overloads = node.signature?.overloads ?? []
    var outcome = OverloadResults()
    let done = OverloadResults(plain: run.request.previousOverloads[node.uniqueID])?.successful ?? []
    for (index, overload) in overloads.enumerated() {
      let name = "function \(node.name) overload \(overload.definedIn)"
      guard !done.contains(overload.definedIn) else {
        outcome.successful.append(overload.definedIn)
        say(.info, ResultLines.overloadSkipped(name, index: index + 1, total: overloads.count))
        continue
      }
      say(.info, ResultLines.overloadStarted(name, index: index + 1, total: overloads.count))
      let started = ContinuousClock.now
      var failure: String?
      do {
        try build(overload)
        outcome.successful.append(overload.definedIn)
      } catch {
        failure = DBTError(error, node: nil).description
        outcome.failed.append(overload.definedIn)
      }
      say(
        failure == nil ? .info : .error,
        ResultLines.overloadFinished(
          failure.map { "\(name): \($0)" } ?? name, isError: failure != nil,
          seconds: (ContinuousClock.now - started) / .seconds(1), index: index + 1, total: overloads.count))
    }
    result.overloadResults = outcome
    if !outcome.failed.isEmpty {
      result.status = .partialSuccess
      result.message = "PARTIAL SUCCESS \(node.name)"
    }
    return result
  }

  private func build(_ overload: FunctionSignature.Overload) throws {
    var copy = node
    copy.signature?.arguments = overload.arguments
    if let returns = overload.returns { copy.signature?.returns = returns }
    let plain = RenderContext(run, node: node, connection: connection, threadName: threadName)
    let code = try plain.render(overload.rawBody, path: node.originalFilePath)
    let context = RenderContext(run, node: copy, connection: connection, compiledCode: code, threadName: threadName)
    let macro = try run.materialization(node.materialized)
    _ = try context.scope.evaluation().call(macro.definition, Arguments())
  }

  private func say(_ level: LogLine.Level, _ text: String) {
    run.log(LogLine(level, text, nodeID: node.uniqueID))
  }
}
