import DBTContext
import DBTEngine
import OrderedCollections
import PlainData

/// Commands that work on nodes.
extension DBTSession {
  /// Plans and runs, prints, writes artifacts.
  func runNodes() throws(EngineError) -> Int32 {
    let engine = try open()
    let (summary, _) = try execute(engine)
    if flags.isOn("show"), request.command == .seed { showSeeds(summary, engine) }
    return summary.exitCode
  }

  /// Executes the request and writes its artifacts.
  ///
  /// - Throws: also for a run that was interrupted, once what had ended is written.
  func execute(_ engine: Engine) throws(EngineError) -> (summary: RunSummary, run: RunContext) {
    let parsed = engine.begin(request)
    try Artifacts(parsed).write(nil, elapsed: 0)
    let plan = try engine.plan(request)
    let console = console
    let runner = LocalRunner(engine: engine, cancellation: cancellation) { console.take($0) }
    let (summary, run) = try runner.run(request, plan: plan)
    try Artifacts(run).write(summary.results, elapsed: summary.elapsed)
    try Artifacts(run).writeSemantics()
    try summary.refuseInterruption()
    return (summary, run)
  }

  /// `dbt compile`: renders, and prints what was named.
  func compile() throws(EngineError) -> Int32 {
    let inline = flags.text("inline")
    let engine = try open(inlineQuery: inline)
    let (summary, _) = try execute(engine)
    try refuseErrors(summary)
    for result in shown(summary, engine, inline != nil) {
      let code = result.compiledCode ?? ""
      let name = engine.label(result.uniqueID).searchName
      let text: String
      if flags.text("output") == "json" {
        text = document(name, inline != nil, "compiled", .string(code))
      } else if console.isQuiet {
        text = code
      } else {
        text = inline != nil ? "Compiled inline node is:\n\(code)" : "Compiled node '\(name)' is:\n\(code)"
      }
      console.show(
        text, event: "CompiledNode",
        data: [
          "node_name": .string(name), "compiled": .string(code), "is_inline": .bool(inline != nil),
          "output_format": .string(flags.text("output") ?? "text"), "unique_id": .string(result.uniqueID),
        ])
    }
    return summary.exitCode
  }

  /// `dbt show`: some rows of what was named.
  ///
  /// - Throws: a runtime error when nothing was.
  func preview() throws(EngineError) -> Int32 {
    let inline = flags.text("inline") ?? flags.text("inline_direct").map(Self.untouched)
    let isTold = !request.select.isEmpty || inline != nil
    let engine = try open(inlineQuery: inline) { () throws(EngineError) in
      guard isTold else { throw EngineError(.runtime, "Either --select or --inline must be passed to show") }
    }
    let (summary, _) = try execute(engine)
    try refuseErrors(summary)
    for result in shown(summary, engine, inline != nil) {
      guard let preview = result.preview else { continue }
      let name = engine.label(result.uniqueID).searchName
      let text: String
      if flags.text("output") == "json" {
        text = document(name, inline != nil, "show", preview.rows)
      } else if console.isQuiet {
        text = preview.text
      } else {
        text = (inline != nil ? "Previewing inline node:\n" : "Previewing node '\(name)':\n") + preview.text
      }
      console.show(
        text, event: "ShowNode",
        data: [
          "node_name": .string(name), "preview": .string(preview.text), "is_inline": .bool(inline != nil),
          "output_format": .string(flags.text("output") ?? "text"), "unique_id": .string(result.uniqueID),
        ])
    }
    return summary.exitCode
  }

  /// Commands that only compile or show end with the first node's error, as in dbt.
  private func refuseErrors(_ summary: RunSummary) throws(EngineError) {
    for result in summary.results where result.status == .error {
      throw EngineError(.runtime, result.message ?? "")
    }
  }

  /// A text that templates leave alone.
  private static func untouched(_ sql: String) -> String { "{% raw %}\(sql){% endraw %}" }

  private func document(_ name: String, _ isInline: Bool, _ key: String, _ value: PlainValue) -> String {
    var members = PlainObject()
    if !isInline { members["node"] = .string(name) }
    members[key] = value
    return PlainValue.object(members).json(JSONStyle(spaced: true, asciiOnly: true, indent: 2))
  }

  /// The results that are printed: those whose name stands in the first word of the selection, as in dbt.
  private func shown(_ summary: RunSummary, _ engine: Engine, _ isInline: Bool) -> [NodeResult] {
    if isInline { return summary.results }
    guard let first = request.select.first else { return [] }
    return summary.results.filter { first.contains(engine.label($0.uniqueID).name) }
  }

  /// `dbt seed --show`.
  private func showSeeds(_ summary: RunSummary, _ engine: Engine) {
    for result in summary.results where result.status == .success {
      guard let preview = engine.seedPreview(result.uniqueID) else { continue }
      let label = engine.label(result.uniqueID)
      let header = "Random sample of table: \(label.schema).\(label.alias)"
      say("")
      say(header, event: "SeedHeader", data: ["header": .string(header)])
      say(String(repeating: "-", count: header.count))
      console.show(preview)
      say("")
    }
  }
}
