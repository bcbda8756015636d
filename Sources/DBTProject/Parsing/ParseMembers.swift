import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// The members of the context that note instead of doing.
struct ParseMembers {
  let environment: ParseEnvironment
  let node: Node
  let capture: ParseCapture

  /// What `member` makes.
  static let names: Set<String> = [
    "ref", "source", "metric", "function", "config", "this", "sql", "compiled_code", "database", "schema", "adapter",
    "pre_hooks", "post_hooks", "graph", "selected_resources", "defer_relation", "model", "load_result", "store_result",
    "store_raw_result", "load_agate_table", "write", "sql_now",
  ]

  /// The member of a name.
  func member(_ name: String) -> Value {
    switch name {
    case "ref": ref(relation)
    case "source": source(relation)
    case "metric": names("metric") { [capture] in capture.metrics.append($0) }
    case "function": names("function", answer: relation) { [capture] in capture.functions.append($0) }
    case "config": .object(ParseConfig(node: node, capture: capture))
    case "this": relation
    case "database": .string(node.database ?? environment.profile.database)
    case "schema": .string(node.schema)
    case "adapter":
      .object(ParseAdapter(environment: environment, package: node.packageName))
    case "pre_hooks": hooks("pre-hook")
    case "post_hooks": hooks("post-hook")
    case "graph": ParseMembers.emptyGraph
    case "selected_resources": .list(ListObject([]))
    case "model": Value(node.json())
    case "load_result", "load_agate_table": .object(NativeFunction(name) { _, _ in .none })
    case "store_result", "store_raw_result", "write", "sql_now":
      .object(NativeFunction(name) { _, _ in .string("") })
    default: .none
    }
  }

  /// The node's own relation, which stands for every `ref` and `source` while parsing.
  private var relation: Value {
    let path = RelationPath(database: node.database, schema: node.schema, identifier: node.alias)
    var quoting = environment.quoting
    if let own = node.config["quoting"]?.objectValue, !own.isEmpty { quoting.merge(own) { _, last in last } }
    let policy = RelationPolicy(
      database: quoting["database"]?.boolValue ?? true, schema: quoting["schema"]?.boolValue ?? true,
      identifier: quoting["identifier"]?.boolValue ?? true)
    return (try? Relation(path, quotePolicy: policy))?.value ?? .none
  }

  private func ref(_ relation: Value) -> Value {
    .object(
      NativeFunction("ref") { [capture, node] arguments, _ in
        let reference = try ReferenceCall.ref(arguments, node: node)
        capture.refs.append(reference)
        return relation
      })
  }

  private func source(_ relation: Value) -> Value {
    .object(
      NativeFunction("source") { [capture, node] arguments, _ in
        capture.sources.append(try ReferenceCall.source(arguments, node: node))
        return relation
      })
  }

  private func names(
    _ function: String, answer: Value = .string(""), _ note: @escaping ([String]) -> Void
  ) -> Value {
    .object(
      NativeFunction(function) { arguments, _ in
        let names = arguments.positional.map(\.text)
        guard (1...2).contains(names.count) else {
          throw DBTError(.compilation, "\(function)() takes at most two arguments (\(names.count) given)")
        }
        note(names)
        return answer
      })
  }

  private func hooks(_ key: String) -> Value {
    Value(.array(node.config[key]?.arrayValue ?? []))
  }

  private static var emptyGraph: Value {
    Value([
      "exposures": [:], "functions": [:], "groups": [:], "metrics": [:], "nodes": [:], "sources": [:],
      "semantic_models": [:], "saved_queries": [:], "unit_tests": [:],
    ])
  }
}

/// Reads the arguments of `ref()` and `source()`.
enum ReferenceCall {
  /// - Throws: a compilation error in dbt's words for a wrong number or type of arguments.
  static func ref(_ arguments: Arguments, node: Node) throws -> RefArguments {
    let positional = arguments.positional
    guard (1...2).contains(positional.count) else {
      throw DBTError(.compilation, "ref() takes at most two arguments (\(positional.count) given)")
    }
    for argument in positional where argument.stringValue == nil && !argument.isUndefined {
      throw DBTError(.compilation, "The name argument to ref() must be a string, got <class '\(argument.typeName)'>")
    }
    let named = arguments.keywords.first { $0.name == "version" } ?? arguments.keywords.first { $0.name == "v" }
    // A version of None is none.
    let version = try named.flatMap { $0.value.isTruthy ? $0.value : nil }?.plain()
    return RefArguments(
      name: positional[positional.count - 1].text, package: positional.count == 2 ? positional[0].text : nil,
      version: version)
  }

  /// - Throws: a compilation error in dbt's words for a wrong number of arguments.
  static func source(_ arguments: Arguments, node: Node) throws -> [String] {
    guard arguments.positional.count == 2 else {
      throw DBTError(.compilation, "source() takes exactly two arguments (\(arguments.positional.count) given)")
    }
    return arguments.positional.map(\.text)
  }
}

/// `config` while parsing: calls are merged, questions get empty answers.
final class ParseConfig: Object {
  private let node: Node
  private let capture: ParseCapture

  init(node: Node, capture: ParseCapture) {
    self.node = node
    self.capture = capture
  }

  var typeName: String { "ParseConfigObject" }
  var kinds: ValueKinds { .callable }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    var settings = PlainObject()
    if arguments.positional.count == 1, arguments.keywords.isEmpty {
      guard case .object(let members) = try Self.setting(arguments.positional[0]) else {
        throw DBTError(.compilation, "Invalid inline model config")
      }
      settings = members
    } else if arguments.positional.isEmpty, !arguments.keywords.isEmpty {
      for (name, value) in arguments.keywords { settings[name] = try Self.setting(value) }
    } else {
      throw DBTError(.compilation, "Invalid inline model config")
    }
    try note(settings)
    return .string("")
  }

  /// A value as dbt writes it into the manifest: dates and times in the form of ISO 8601.
  private static func setting(_ value: Value) throws -> PlainValue {
    if value.isUndefined { return .null }
    return try value.plain { object in try DateForm.plain(object) ?? object.plain() }
  }

  private func note(_ settings: PlainObject) throws {
    var settings = settings
    for (old, new) in [("pre_hook", "pre-hook"), ("post_hook", "post-hook")] {
      guard let value = settings.removeValue(forKey: old) else { continue }
      guard settings[new] == nil else {
        throw DBTError(.compilation, "Invalid config, has conflicting keys \"\(old)\" and \"\(new)\"")
      }
      settings[new] = value
    }
    capture.isConfigured = true
    try ConfigMerger.merge(call: settings, into: &capture.calls)
  }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "get", "require", "meta_get", "meta_require":
      return .object(NativeFunction(name) { _, _ in .string("") })
    case "persist_relation_docs", "persist_column_docs":
      return .object(NativeFunction(name) { _, _ in .bool(false) })
    case "set":
      return .object(
        NativeFunction(name) { [self] arguments, _ in
          guard arguments.positional.count == 2 else { throw DBTError(.compilation, "Invalid inline model config") }
          try note([arguments.positional[0].text: try Self.setting(arguments.positional[1])])
          return .string("")
        })
    default: return nil
    }
  }
}
