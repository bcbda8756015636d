import DBTProject
import OrderedCollections
import PlainData

/// Nodes' entries of the manifest as a run has left them: with their code, and with what was noted of them.
struct RunDocuments {
  private let run: RunContext
  private let compiled: [String: CompiledNode]
  private let notes: [String: NodeNotes]

  /// Of what is known by now.
  init(_ run: RunContext) {
    self.run = run
    compiled = run.compiledNodes
    notes = run.nodeNotes
  }

  /// The unique ids of what the run has worked on.
  var ids: Set<String> { Set(compiled.keys).union(notes.keys) }

  /// The entry of a node, nil when the run has not worked on it: it is as parsing left it then.
  func entry(_ node: Node) -> PlainValue? {
    let (compiled, notes) = (compiled[node.uniqueID], notes[node.uniqueID])
    guard compiled != nil || notes != nil else { return nil }
    var node = notes?.added(to: node) ?? node
    if compiled != nil { node = ForeignKeys(engine: run.engine).rendered(node) }
    guard var members = node.json().objectValue else { return nil }
    if let path = notes?.buildPath { members["build_path"] = .string(path) }
    if let index = notes?.hookIndex { members["index"] = .int(index) }
    if let compiled {
      members["compiled_path"] = .optional(compiled.path)
      members["compiled"] = true
      members["compiled_code"] = .string(run.scrub(compiled.code))
      members["extra_ctes_injected"] = true
      members["extra_ctes"] = .array(
        compiled.expressions.map { ["id": .string($0.uniqueID), "sql": .string(run.scrub($0.text))] })
    }
    return .object(members)
  }
}
