import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// `dbt run-operation`: one macro, called outside of any node.
struct MacroOperation {
  let run: RunContext
  let cancellation: Cancellation

  /// Calls the macro on a connection of its own, each of its statements outside of a transaction.
  ///
  /// - Parameters:
  ///   - name: a macro's name, or `package.macro`.
  ///   - arguments: by the names of its parameters.
  func execute(_ name: String, _ arguments: PlainObject) -> NodeResult {
    let started = UTCTime.now.seconds
    let registry = run.engine.project.macros
    guard let macro = MacroOperation.macro(name, in: registry) else {
      var result = NodeResult(uniqueID: "macro.\(registry.rootPackage).\(name)", status: .error)
      result.message = "Runtime Error\n  dbt could not find a macro with the name \"\(name)\" in any package"
      result.errorKind = .runtime
      result.failures = 1
      return result
    }
    var result = NodeResult(uniqueID: macro.uniqueID, status: .success)
    result.threadID = "MainThread"
    result.failures = 0
    result.compiled = false
    let connection = run.connection("macro_\(name)", node: nil, cancellation)
    defer { connection.close() }
    do {
      try connection.clearTransaction()
      let package = name.split(separator: ".", maxSplits: 1)
      let context = RenderContext(
        run, node: nil, connection: connection, macroPackage: package.count == 2 ? String(package[0]) : nil,
        threadName: "MainThread")
      let keywords = arguments.map { (name: $0.key, value: Value($0.value)) }
      _ = try context.scope.evaluation().call(macro.definition, Arguments([], keywords: keywords))
    } catch {
      let known = DBTError(error, node: macro.reference)
      result.status = .error
      result.message = run.scrub(known.description)
      result.errorKind = cancellation.isCancelled ? .cancelled : EngineError(known).kind
      result.isTransient = connection.lastFailure?.isTransient ?? false
      result.failures = 1
    }
    result.noteExecution(since: started)
    return result
  }

  /// - Parameter name: a macro's name, or `package.macro`.
  static func macro(_ name: String, in registry: MacroRegistry) -> RegisteredMacro? {
    let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
    return parts.count == 2
      ? registry.macro(named: parts[1], in: parts[0])
      : registry.macroOfAnyPackage(named: name)
  }
}
