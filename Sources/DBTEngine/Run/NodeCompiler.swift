import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// Renders nodes' code.
struct NodeCompiler {
  let run: RunContext
  let connection: DatabaseConnection
  let threadName: String

  /// Renders a node and puts the ephemeral models it reads in front, rendering those first where that was not done yet.
  ///
  /// - Parameters:
  ///   - extras: further members of the context, such as `results` of hooks.
  ///   - batch: the batch of a microbatch model; its code goes into a file of its own and not into the manifest.
  func compile(
    _ node: Node, extras: [String: Value] = [:], batch: Batch? = nil
  ) throws(DBTError) -> CompiledNode {
    try compile(node, extras: extras, batch: batch, path: [])
  }

  private func compile(
    _ node: Node, extras: [String: Value], batch: Batch?, path: [String]
  ) throws(DBTError) -> CompiledNode {
    let context = RenderContext(run, node: node, connection: connection, batch: batch, threadName: threadName)
    for (name, value) in extras { context.scope.setMember(name, value) }
    if let metadata = node.testMetadata {
      context.scope.setMember("_dbt_generic_test_kwargs", try arguments(metadata, context))
    }
    let rendered: String
    if node.language == "python", node.resourceType == .model {
      // The code itself is no template; what dbt gives it stands below.
      let support = try context.render("{{ py_script_postfix(model) }}", path: node.originalFilePath)
      rendered = "\(node.rawCode)\n\n\(support)"
    } else {
      rendered = try context.render(node.rawCode, path: node.originalFilePath)
    }
    var expressions: [CommonTableExpressions.Expression] = []
    func add(_ expression: CommonTableExpressions.Expression) {
      if !expressions.contains(where: { $0.uniqueID == expression.uniqueID }) { expressions.append(expression) }
    }
    for id in context.ephemerals {
      guard let model = run.engine.project.manifest.nodes[id] else { continue }
      guard !path.contains(id), path.count < 500 else {
        throw DBTError(.compilation, "ephemeral models read each other in a circle: \(path.joined(separator: " --> "))")
      }
      let inner = try ephemeral(model, path: path + [node.uniqueID])
      for expression in inner.expressions { add(expression) }
      add(.init(uniqueID: id, name: Relation.ephemeralName(model.alias), code: inner.rendered))
    }
    let code = CommonTableExpressions.injected(into: rendered, expressions)
    // As in dbt: nothing is no file.
    let place = code.isEmpty ? nil : try run.files.write(code, .compiled, of: node, part: batch?.name)
    let compiled = CompiledNode(rendered: rendered, code: code, expressions: expressions, path: place)
    if batch == nil { run.keepCompiled(node.uniqueID, compiled) }
    return compiled
  }

  /// An ephemeral model's code; rendered once a run. Two threads may both render it, with the same outcome.
  private func ephemeral(_ model: Node, path: [String]) throws(DBTError) -> CompiledNode {
    if let known = run.ephemeral(model.uniqueID) { return known }
    let compiled = try compile(model, extras: [:], batch: nil, path: path)
    run.keepEphemeral(model.uniqueID, compiled)
    return compiled
  }

  /// The arguments of a generic test, texts in them rendered natively in the test's own context.
  private func arguments(_ metadata: TestMetadata, _ context: RenderContext) throws(DBTError) -> Value {
    let arguments = DictObject()
    for (name, value) in metadata.arguments {
      arguments[.string(name)] = name == "column_name" ? Value(value) : try rendered(value, context)
    }
    return .dict(arguments)
  }

  private func rendered(_ value: PlainValue, _ context: RenderContext) throws(DBTError) -> Value {
    switch value {
    case .string(let text):
      let template = Self.looksLikeCall(text) ? "{{ \(text) }}" : text
      return try context.scope.renderNative(template, path: context.node?.originalFilePath ?? "")
    case .array(let items):
      var list: [Value] = []
      for item in items { list.append(try rendered(item, context)) }
      return .list(list)
    case .object(let members):
      let dict = DictObject()
      for (name, member) in members { dict[.string(name)] = try rendered(member, context) }
      return .dict(dict)
    default: return Value(value)
    }
  }

  /// Whether a text is a call such as `ref('x')` written without braces.
  private static func looksLikeCall(_ text: String) -> Bool {
    let bare = Blanks.trimmed(text)
    guard bare.hasSuffix(")"), let open = bare.firstIndex(of: "("),
      bare.index(after: open) < bare.index(before: bare.endIndex)
    else { return false }
    return ["env_var", "ref", "var", "source", "doc"].contains(Blanks.trimmed(bare[..<open]))
  }
}
