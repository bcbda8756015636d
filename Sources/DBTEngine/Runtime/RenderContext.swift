import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// What one node's templates see while it runs: dbt's context with this node's members, over one connection.
///
/// Made anew for compiling a node and for each macro context; belongs to one thread and lives as long as the node's work.
final class RenderContext: AdapterHost {
  let run: RunContext
  let connection: DatabaseConnection
  /// nil in the context of macros (operations of the adapter itself).
  let node: Node?
  /// Without a node: the package whose macros come first; nil is the root project.
  private let macroPackage: String?
  let results = StatementResults()
  /// Ephemeral models that `ref()` met, in order, each once.
  private(set) var ephemerals: [String] = []
  /// The work between reference checks: operations may name what they do not depend on.
  private let checksReferences: Bool
  private var adapterObject: AdapterObject?
  private var madeScope: DBTScope?
  /// The context of the last macro that the adapter called, for the next one; nil while one runs in it.
  private var idleMacroContext: RenderContext?
  private let compiledCode: String?
  private let threadName: String
  /// The batch that a microbatch model is rendered for.
  private let batch: Batch?
  /// Set while the code of a unit test's model is rendered: refs and sources mean its fixtures.
  private let unitTest: UnitTestCase?
  /// How many macros may run around a call that counts as the node's own; nil where none counts.
  private let ownCallDepth: Int?

  /// - Parameters:
  ///   - compiledCode: the node's code, once known; templates see it as `sql`, `compiled_code` and in `model`.
  ///   - checksReferences: whether `ref()` may only name what the node was found to depend on.
  ///   - ownCallDepth: 0 where only what the node's code calls counts as called by the node; 1 where that is also what its
  ///     materialization calls, as dbt has it for tests, functions and clones; nil where the node only stands in for another.
  init(
    _ run: RunContext, node: Node?, connection: DatabaseConnection, compiledCode: String? = nil,
    batch: Batch? = nil, unitTest: UnitTestCase? = nil, checksReferences: Bool = true, macroPackage: String? = nil,
    ownCallDepth: Int? = 0, threadName: String
  ) {
    self.run = run
    self.node = node
    self.macroPackage = macroPackage
    self.connection = connection
    self.compiledCode = compiledCode
    self.checksReferences = checksReferences
    self.threadName = threadName
    self.batch = batch
    self.unitTest = unitTest
    self.ownCallDepth = ownCallDepth
    if let own = unitTest?.own { ephemerals = [own.originalID] }
  }

  var cache: RelationCache { run.cache }
  var quoting: [RelationComponent: Bool] { run.engine.quoting }
  var target: TargetProfile { run.engine.project.profile }
  var projectName: String { run.engine.project.manifest.projectName }

  /// How errors name the node.
  var reference: DBTContext.NodeReference? { node.map(NodeNaming.reference) }

  /// The scope; made on first use.
  var scope: DBTScope {
    if let madeScope { return madeScope }
    let package = node?.packageName ?? macroPackage ?? projectName
    var invocation = run.invocation
    var vars = run.engine.vars(of: package)
    if let overrides = unitTest?.overrides {
      invocation = invocation.adding(environment: overrides.environment)
      vars.merge(overrides.vars) { _, last in last }
    }
    var settings = DBTScope.Settings(
      invocation: invocation, registry: run.engine.project.macros, searchPackage: package)
    settings.node = reference
    settings.vars = VarSettings(values: vars, owner: node?.name ?? "<Configuration>")
    settings.threadName = threadName
    settings.quoting = quoting
    settings.members = members()
    if let node, let ownCallDepth {
      settings.onMacroCall = { [run] macro, depth in
        if depth <= ownCallDepth { run.note(node.uniqueID, calls: macro.uniqueID) }
      }
    }
    // As long as the run has nodes: made only where a template names it, or the cost of a run would grow with their square.
    var lazy: Set<String> = ["selected_resources", "invocation_args_dict"]
    if node != nil { lazy.insert("model") }
    settings.lazyMembers = DBTScope.LazyMembers(lazy) { [run, node, weak self] name in
      switch name {
      case "invocation_args_dict": Value(Artifacts(run).arguments)
      case "selected_resources": .list(run.selected.map { .string($0) })
      default: node.flatMap { self?.model($0) } ?? .none
      }
    }
    let scope = DBTScope(settings)
    madeScope = scope
    return scope
  }

  /// Renders a node's or hook's code.
  ///
  /// - Throws: `DBTError` with the node attached.
  func render(_ text: String, path: String) throws(DBTError) -> String { try scope.render(text, path: path) }

  // MARK: AdapterHost

  func callMacro(_ name: String, _ keywords: [(name: String, value: Value)]) throws -> Value {
    guard let macro = run.engine.project.macros.macroOfAnyPackage(named: name) else {
      throw DBTError(.runtime, "dbt could not find a macro with the name \"\(name)\" in any package")
    }
    let context = idleMacroContext ?? makeMacroContext()
    idleMacroContext = nil
    context.results.clear()
    defer { idleMacroContext = context }
    return try context.scope.evaluation().call(macro.definition, Arguments([], keywords: keywords))
  }

  /// A context for macros. What such a macro returns may hold on to functions of its context, so the connection keeps the
  /// context for as long as templates can run over it.
  private func makeMacroContext() -> RenderContext {
    let context = RenderContext(run, node: nil, connection: connection, threadName: threadName)
    connection.keep(context)
    return context
  }

  func dispatch(_ name: String, namespace: String?) throws -> Value {
    let macro = try run.engine.project.macros.dispatch(name, namespace: namespace, searchPackage: scope.searchPackage)
    return scope.settings.callable(macro)
  }

  func contextValue(_ name: String, _ evaluation: Evaluation) throws -> Value? { scope.value(name) }

  // MARK: Members

  private func members() -> [String: Value] {
    let adapter = AdapterObject(host: self)
    adapterObject = adapter
    let code: Value = compiledCode.map { .string($0) } ?? .none
    var members: [String: Value] = [
      "adapter": .object(adapter),
      "config": .object(ConfigObject(node?.config, uniqueID: node?.uniqueID ?? "", batch: batch)),
      "sql": code, "compiled_code": code, "graph": .object(GraphObject(run, connection)),
      "sql_now": .string("now()"),
      "defer_relation": (try? node.flatMap { try run.engine.deferredRelation(of: $0.uniqueID)?.value }) ?? .none,
      "pre_hooks": hooks("pre-hook"), "post_hooks": hooks("post-hook"),
      "ref": refFunction(), "source": sourceFunction(), "metric": metricFunction(),
      "function": functionFunction(),
    ]
    members.merge(resultFunctions()) { _, last in last }
    members.merge(fileFunctions()) { _, last in last }
    if let node {
      members["this"] = this(node)
      if node.resourceType != .operation {
        members["database"] = .string(node.database ?? target.database)
        members["schema"] = .string(node.schema)
      }
    }
    return members
  }

  private func model(_ node: Node) -> Value {
    let rendered = ForeignKeys(engine: run.engine).rendered(node)
    let model = Value(NodeNaming.model(rendered, compiledCode: compiledCode))
    guard let batch, let dict = model.dictValue else { return model }
    dict["batch"] = .dict(
      DictObject(named: [
        "id": .string(batch.id), "event_time_start": batch.span.start.value, "event_time_end": batch.span.end.value,
      ]))
    if let config = dict["config"]?.dictValue {
      for (name, value) in ConfigObject.spanMembers(batch) { config[name] = value }
    }
    return model
  }

  private func this(_ node: Node) -> Value {
    if let unitTest { return unitTest.own.map { .string(Relation.ephemeralName($0.node.alias)) } ?? .none }
    return node.resourceType == .operation ? .none : (try? run.engine.relation(of: node).value) ?? .none
  }

  /// How messages begin that something this node names does not exist.
  private var subject: String {
    guard let reference else { return "A macro" }
    let words = reference.resourceType.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }
    return "\(words.joined(separator: "_")) '\(reference.uniqueID)' (\(reference.path))"
  }

  private func hooks(_ key: String) -> Value {
    guard let node, let hooks = node.config[key]?.arrayValue else { return .none }
    return Value(.array(hooks))
  }

  private func metricFunction() -> Value {
    .object(
      NativeFunction("metric") { [weak self] arguments, _ in
        guard let self else { throw RenderContext.ended }
        let names = arguments.positional.map(\.text)
        guard (1...2).contains(names.count) else {
          throw DBTError(.compilation, "metric() takes at most two arguments (\(names.count) given)")
        }
        let metric = try run.engine.references.metric(
          names[names.count - 1], package: names.count == 2 ? names[0] : nil, from: node?.packageName ?? projectName,
          subject: subject)
        return .object(MetricObject(metric, run.engine.project.manifest))
      })
  }

  /// Functions of a context may outlive it in what templates share.
  private static var ended: DBTError {
    DBTError(.runtime, "a function of a context was called after the work on its node had ended")
  }

  private func refFunction() -> Value {
    .object(
      ReferenceFunction(run.engine.project, run.invocation) { [weak self] arguments, _ in
        guard let self else { throw RenderContext.ended }
        let positional = arguments.positional
        guard (1...2).contains(positional.count) else {
          throw DBTError(.compilation, "ref() takes at most two arguments (\(positional.count) given)")
        }
        for argument in positional where argument.stringValue == nil {
          throw DBTError(
            .compilation, "The name argument to ref() must be a string, got <class '\(argument.typeName)'>")
        }
        // A version of None is none.
        let version = (arguments[keyword: "version"] ?? arguments[keyword: "v"]).flatMap { $0.isTruthy ? $0 : nil }
        return try ref(
          positional[positional.count - 1].text, package: positional.count == 2 ? positional[0].text : nil,
          version: try version?.plain()
        ).value
      })
  }

  private func ref(_ name: String, package: String?, version: PlainValue?) throws -> Relation {
    let own = node?.packageName ?? projectName
    let found = try run.engine.references.node(name, package: package, version: version, from: own, subject: subject)
    if let unitTest {
      return try fixture(of: found.uniqueID, in: unitTest, missing: package.map { "'\($0)'.'\(name)'" } ?? "'\(name)'")
    }
    if checksReferences, let node, node.resourceType != .operation, found.uniqueID != node.uniqueID,
      !node.dependsOnNodes.contains(found.uniqueID)
    {
      let call = (package.map { "'\($0)', " } ?? "") + "'\(name)'"
      throw DBTError(
        .compilation,
        "dbt was unable to infer all dependencies for the model \"\(node.name)\".\nThis typically happens when ref() is "
          + "placed within a conditional block.\n\nTo fix this, add the following hint to the top of the model "
          + "\"\(node.name)\":\n\n-- depends_on: {{ ref(\(call)) }}")
    }
    let limit = run.invocation.flags.isEmptyRun ? 0 : nil
    let filter = EventTimeFilters(run: run, node: node, batch: batch)
      .filter(config: found.config, columns: found.columns, quotesColumns: nil)
    guard found.isEphemeral else {
      return try (deferred(found) ?? run.engine.relation(of: found)).limited(to: limit).filtered(by: filter)
    }
    guard let node, node.resourceType != .operation else {
      throw DBTError(.compilation, "Operations can not ref() ephemeral nodes, but \(found.name) is ephemeral")
    }
    if !ephemerals.contains(found.uniqueID) { ephemerals.append(found.uniqueID) }
    return try Relation.ephemeral(found.alias, limit: limit, eventTimeFilter: filter)
  }

  /// The name of the expression that holds a fixture, which is noted as needed.
  private func fixture(of originalID: String, in unitTest: UnitTestCase, missing name: String) throws -> Relation {
    guard let input = unitTest.inputs.first(where: { $0.originalID == originalID }) else {
      throw DBTError(.compilation, "\(subject) depends on a node named \(name) which was not found")
    }
    if !ephemerals.contains(originalID) { ephemerals.append(originalID) }
    return try Relation.ephemeral(input.expressionName)
  }

  private func sourceFunction() -> Value {
    .object(
      NativeFunction("source") { [weak self] arguments, _ in
        guard let self else { throw RenderContext.ended }
        let positional = arguments.positional
        guard positional.count == 2 else {
          throw DBTError(.compilation, "source() takes exactly two arguments (\(positional.count) given)")
        }
        let table = try run.engine.references.source(
          positional[0].text, positional[1].text, from: node?.packageName ?? projectName, subject: subject)
        if let unitTest {
          let name = "'\(positional[0].text).\(positional[1].text)'"
          return try fixture(of: table.uniqueID, in: unitTest, missing: name).value
        }
        let filter = EventTimeFilters(run: run, node: node, batch: batch).filter(
          config: table.config, columns: table.columns, quotesColumns: table.quoting["column"]?.boolValue)
        return try run.engine.relation(of: table).limited(to: run.invocation.flags.isEmptyRun ? 0 : nil)
          .filtered(by: filter).value
      })
  }

  private func functionFunction() -> Value {
    .object(
      NativeFunction("function") { [weak self] arguments, _ in
        guard let self else { throw RenderContext.ended }
        let names = arguments.positional.map(\.text)
        guard (1...2).contains(names.count) else {
          throw DBTError(.compilation, "function() takes at most two arguments (\(names.count) given)")
        }
        let found = try run.engine.references.function(
          names[names.count - 1], package: names.count == 2 ? names[0] : nil, from: node?.packageName ?? projectName,
          subject: subject)
        return try run.engine.relation(of: found).replacing(type: .function).value
      })
  }

  private func resultFunctions() -> [String: Value] {
    [
      "load_result": .function("load_result", ["name"]) { [weak self] values, _ in
        guard let self else { throw RenderContext.ended }
        return try results.load(values[0]?.text ?? "")
      },
      "store_result": .function("store_result", ["name", "response", "agate_table?"]) { [weak self] values, _ in
        guard let self else { throw RenderContext.ended }
        results.store(values[0]?.text ?? "", response: values[1] ?? .none, table: values[2])
        return .string("")
      },
      "store_raw_result": .function(
        "store_raw_result", ["name", "message?", "code?", "rows_affected?", "agate_table?"]
      ) { [weak self] values, _ in
        guard let self else { throw RenderContext.ended }
        let response = AdapterResponse(
          message: values[1]?.text ?? "None", code: values[2] ?? .none, rowsAffected: values[3] ?? .none)
        results.store(values[0]?.text ?? "", response: .object(response), table: values[4])
        return .string("")
      },
      "submit_python_job": .object(
        NativeFunction("submit_python_job") { _, _ in
          throw DBTError(.runtime, "submit_python_job is not supported: this engine runs no Python")
        }),
      "adapter_macro": .object(
        NativeFunction("adapter_macro") { _, _ in
          throw DBTError(
            .compilation,
            "The \"adapter_macro\" macro has been deprecated. Instead, use the `adapter.dispatch` method to find a macro "
              + "and call the result.")
        }),
    ]
  }

  private func fileFunctions() -> [String: Value] {
    [
      "write": .function("write", ["payload"]) { [weak self] values, _ in
        guard let self else { throw RenderContext.ended }
        guard let node else { throw DBTError(.compilation, "cannot \"write\" macros or sources") }
        let path = try run.files.write(values[0]?.text ?? "", .run, of: node, part: batch?.name)
        if batch == nil { run.note(node.uniqueID, buildPath: path) }
        return .string("")
      },
      "load_agate_table": .function("load_agate_table") { [weak self] _, _ in
        guard let self else { throw RenderContext.ended }
        guard let node, node.resourceType == .seed else {
          throw DBTError(
            .compilation, "can only load_agate_table for seeds (got a \(node?.resourceType.rawValue ?? "macro"))")
        }
        return .object(try SeedFile.table(node, run))
      },
    ]
  }
}
