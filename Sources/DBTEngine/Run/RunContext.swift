import DBTContext
import DBTProject
import PlainData
import Synchronization

/// One run of a command in this process: its invocation, the relation cache that its nodes share, the files it writes.
///
/// A run that is spread over processes has one of these in each; then nothing is shared but the database. Thread-safe.
package final class RunContext: Sendable {
  let engine: Engine
  package let request: RunRequest
  let invocation: Invocation
  /// Unique ids, as templates see them in `selected_resources`.
  let selected: [String]
  /// The same for looking up.
  let selectedIDs: Set<String>
  let cache = RelationCache()
  let files: RunFiles
  /// What templates of this run keep for each other.
  let graph: SharedGraph
  /// Ephemeral models compiled so far.
  private let ephemerals = Mutex<[String: CompiledNode]>([:])
  /// Every node compiled so far, for the manifest.
  private let compiled = Mutex<[String: CompiledNode]>([:])
  private let notes = Mutex<[String: NodeNotes]>([:])
  /// Whether schemas were made and the cache was filled for all nodes of the plan.
  private let prepared = Mutex(false)

  init(
    engine: Engine, request: RunRequest, invocation: Invocation, selected: [String], files: RunFiles,
    graph: SharedGraph
  ) {
    self.engine = engine
    self.request = request
    self.invocation = invocation
    self.selected = selected
    selectedIDs = Set(selected)
    self.files = files
    self.graph = graph
  }

  /// Whether starts and ends of nodes are told to the user: not while compiling only.
  var announcesNodes: Bool { request.command.announces }

  var isPrepared: Bool { prepared.withLock { $0 } }

  func setPrepared() { prepared.withLock { $0 = true } }

  /// Says a warning, or fails with it when the flags make it an error.
  package func warn(_ message: String, event: String) throws(EngineError) {
    do throws(DBTError) {
      try invocation.warn(message, event: event, node: nil)
    } catch {
      throw EngineError(error)
    }
  }

  /// Counts something deprecated, and warns of it as the flags say.
  func deprecate(_ event: String, _ description: String) throws(EngineError) {
    do throws(DBTError) {
      try invocation.deprecate(event, description)
    } catch {
      throw EngineError(error)
    }
  }

  /// The macro of a materialization; tells of one that a package puts in the place of dbt's own.
  ///
  /// - Throws: when there is none, or the notice counts as an error.
  func materialization(_ name: String) throws(DBTError) -> RegisteredMacro {
    let macros = engine.project.macros
    let macro = try macros.requiredMaterialization(name)
    guard macros.packagesReplaceMaterializations, macros.replacesCore(macro, name) else { return macro }
    try invocation.deprecate(
      "PackageMaterializationOverrideDeprecation",
      "Installed package '\(macro.packageName)' is overriding the built-in materialization '\(name)'. Overrides of "
        + "built-in materializations from installed packages will be deprecated in future versions of dbt. For more "
        + "information: https://docs.getdbt.com/reference/global-configs/legacy-behaviors")
    return macro
  }

  /// Sends a line to the run's sink, scrubbed.
  func log(_ line: LogLine) { invocation.log(line) }

  func scrub(_ text: String) -> String { invocation.scrubber.scrub(text) }

  /// A connection of its own; not open yet.
  func connection(_ name: String, node: Node?, _ cancellation: Cancellation) -> DatabaseConnection {
    DatabaseConnection(
      name: name, warehouse: engine.warehouse, comment: engine.comment(name, node: node, self),
      cancellation: cancellation, graph: graph,
      nodeInfo: node.map { NodeEvents(engine: engine).info($0.uniqueID, status: "executing") },
      mayIntrospect: node == nil || invocation.flags.introspects, log: { [self] line in log(line) })
  }

  func ephemeral(_ id: String) -> CompiledNode? { ephemerals.withLock { $0[id] } }

  func keepEphemeral(_ id: String, _ node: CompiledNode) { ephemerals.withLock { $0[id] = node } }

  func keepCompiled(_ id: String, _ node: CompiledNode) { compiled.withLock { $0[id] = node } }

  /// Notes that a node called a macro while it was compiled or executed.
  func note(_ id: String, calls macroID: String) {
    notes.withLock { notes in
      if notes[id]?.macros.contains(macroID) != true { notes[id, default: NodeNotes()].macros.append(macroID) }
    }
  }

  /// Notes where the statement of a node was written.
  func note(_ id: String, buildPath: String) { notes.withLock { $0[id, default: NodeNotes()].buildPath = buildPath } }

  /// Where the statement of a node was written last, nil before there is one.
  func buildPath(of id: String) -> String? { notes.withLock { $0[id]?.buildPath } }

  /// Notes which of the hooks that a run executes, from 1, a hook was.
  func note(_ id: String, hookIndex: Int) { notes.withLock { $0[id, default: NodeNotes()].hookIndex = hookIndex } }

  /// What is noted of nodes so far, by unique id.
  var nodeNotes: [String: NodeNotes] { notes.withLock { $0 } }

  /// The code of every node compiled so far.
  var compiledNodes: [String: CompiledNode] {
    compiled.withLock { known in ephemerals.withLock { known.merging($0) { first, _ in first } } }
  }
}

/// What the work on a node has shown, beside its code: the manifest after a run tells it.
struct NodeNotes: Sendable {
  /// Unique ids of the macros that it called, in order; parsing finds only those outside of what waits for `execute`.
  var macros: [String] = []
  /// Where the statement that was run last was written, as dbt shows it.
  var buildPath: String?
  var hookIndex: Int?

  /// The node with the macros that are noted here.
  func added(to node: Node) -> Node {
    var node = node
    node.dependsOnMacros += macros.filter { !node.dependsOnMacros.contains($0) }
    return node
  }
}

/// A node's code with its templates rendered.
struct CompiledNode: Sendable {
  /// As rendered, before expressions of ephemeral models are put in front.
  let rendered: String
  /// What is executed.
  let code: String
  /// The ephemeral models it reads, those they read before them.
  let expressions: [CommonTableExpressions.Expression]
  /// Where the code was written, as dbt shows it; nil for code without a letter.
  let path: String?
}
