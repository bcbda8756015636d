import Jinja
import OrderedCollections
import PlainData
import Secrets

/// The members that every context has, whatever is being rendered.
enum BaseContext {
  static func members(_ settings: DBTScope.Settings) -> [String: Value] {
    let invocation = settings.invocation
    var members: [String: Value] = [
      "dbt_version": .string(invocation.dbtVersion), "invocation_id": .string(invocation.invocationID),
      "run_started_at": invocation.startedAt.value, "thread_id": .string(settings.threadName),
      "execute": .bool(settings.executes), "project_name": .string(settings.registry.rootPackage),
      "flags": .object(FlagsObject(invocation.flags)), "var": .object(VarObject(settings.vars)),
      "api": APIObject.value(quoting: settings.quoting), "column": .object(ColumnClassObject()),
      "modules": modules(invocation), "exceptions": ExceptionsContext.value(settings),
      "context_macro_stack": .object(MacroStackObject()), "validation": .object(ValidationObject()),
      "invocation_args_dict": Value(arguments(invocation)),
      "dbt_metadata_envs": Value(.object(invocation.customEnvironment)),
    ]
    if let target = invocation.target {
      members["target"] = Value(.object(target.contextValues))
      members["env"] = members["target"]
      members["database"] = .string(target.database)
      members["schema"] = .string(target.schema)
    }
    for (name, value) in DataFunctions.members { members[name] = value }
    for (name, value) in messageFunctions(settings) { members[name] = value }
    if !settings.hasNodeMembers { for name in nodeMembers { members[name] = nil } }
    return members
  }

  /// Those that only what belongs to a node sees.
  private static let nodeMembers: Set<String> = [
    "execute", "api", "column", "exceptions", "validation", "database", "schema", "env", "render",
    "try_or_compiler_error", "adapter_macro", "submit_python_job", "invocation_args_dict", "dbt_metadata_envs",
  ]

  /// One of the members that templates name most, made alone; nil for others.
  static func common(_ name: String, _ settings: DBTScope.Settings) -> Value? {
    guard settings.hasNodeMembers || !nodeMembers.contains(name) else { return nil }
    return switch name {
    case "execute": .bool(settings.executes)
    case "var": .object(VarObject(settings.vars))
    case "return": returnFunction
    case "target": settings.invocation.target.map { Value(.object($0.contextValues)) }
    case "modules": modules(settings.invocation)
    case "log": logFunction(settings)
    case "flags": .object(FlagsObject(settings.invocation.flags))
    default: nil
    }
  }

  private static func modules(_ invocation: Invocation) -> Value {
    ModulesObject.value {
      try invocation.deprecate(
        "ModulesItertoolsUsageDeprecation",
        "Usage of itertools modules is deprecated. Please use the built-in functions instead.")
    }
  }

  private static var returnFunction: Value {
    .function("return", ["data"]) { values, _ in throw MacroReturn(values[0] ?? .none) }
  }

  private static func logFunction(_ settings: DBTScope.Settings) -> Value {
    let invocation = settings.invocation
    let nodeID = settings.node?.uniqueID
    return .function("log", ["msg", "info?"]) { values, _ in
      let level: LogLine.Level = values[1]?.isTruthy ?? false ? .info : .debug
      invocation.log(
        LogLine(level, values[0]?.text ?? "", event: level == .info ? "JinjaLogInfo" : "JinjaLogDebug", nodeID: nodeID))
      return .string("")
    }
  }

  /// `invocation_args_dict` as far as it is known without a run.
  private static func arguments(_ invocation: Invocation) -> PlainValue {
    var members = invocation.flags.arguments
    members["vars"] = .object(invocation.vars)
    return .object(members)
  }

  // MARK: Functions of the context itself

  private static func messageFunctions(_ settings: DBTScope.Settings) -> [String: Value] {
    let invocation = settings.invocation
    let nodeID = settings.node?.uniqueID
    return [
      "return": returnFunction,
      "log": logFunction(settings),
      "print": .function("print", ["msg"]) { values, _ in
        if invocation.flags.prints {
          invocation.log(LogLine(.info, values[0]?.text ?? "", isBare: true, event: "PrintEvent", nodeID: nodeID))
        }
        return .string("")
      },
      "env_var": .function("env_var", ["var", "default?"]) { values, _ in
        try environmentVariable(values[0]?.requiredText("var") ?? "", values[1], settings)
      },
      "render": .function("render", ["string"]) { values, evaluation in
        let path = settings.node?.path ?? "render()"
        return .string(try evaluation.renderText(try Template.compile(values[0]?.text ?? "", path: path)))
      },
      "try_or_compiler_error": .object(
        NativeFunction("try_or_compiler_error") { arguments, evaluation in
          guard arguments.positional.count >= 2 else {
            throw JinjaError(.type, "try_or_compiler_error() missing 2 required positional arguments")
          }
          let passed = Arguments(Array(arguments.positional.dropFirst(2)), keywords: arguments.keywords)
          do {
            return try evaluation.call(arguments.positional[1], passed)
          } catch let unwinding as MacroReturn {
            throw unwinding
          } catch {
            throw DBTError(.compilation, arguments.positional[0].text, node: settings.node)
          }
        }),
      "otel_trace_id": .function("otel_trace_id") { _, _ in .string(String(repeating: "0", count: 32)) },
      "otel_span_id": .function("otel_span_id") { _, _ in .string(String(repeating: "0", count: 16)) },
      "adapter_macro": .object(
        NativeFunction("adapter_macro") { _, _ in
          throw DBTError(
            .compilation,
            "The \"adapter_macro\" macro has been deprecated. Instead, use the `adapter.dispatch` method to find a macro "
              + "and call the result.", node: settings.node)
        }),
      "submit_python_job": .object(
        NativeFunction("submit_python_job") { _, _ in
          throw DBTError(
            .runtime, "submit_python_job is not intended to be called here: Python models do not run on PostgreSQL",
            node: settings.node)
        }),
    ]
  }

  /// `env_var`: only the invocation's environment counts.
  private static func environmentVariable(
    _ name: String, _ fallback: Value?, _ settings: DBTScope.Settings
  ) throws -> Value {
    let environment = settings.invocation.environment
    if name.hasPrefix(Invocation.secretPrefix) {
      guard settings.allowsSecrets else {
        throw DBTError(
          .parsing,
          "Secret env vars are allowed only in profiles.yml or packages.yml. Found '\(name)' referenced elsewhere.")
      }
      if environment.secrets[name] != nil { return .string(SecretPlaceholder.text(for: name)) }
    } else if let value = environment.values[name] {
      return .string(value)
    } else if settings.allowsSecrets, environment.secrets[name] != nil {
      // A variable that was taken out of the environment as a secret under another name.
      return .string(SecretPlaceholder.text(for: name))
    }
    if let fallback, !fallback.isNone { return fallback }
    throw DBTError(.parsing, "Env var required but not provided: '\(name)'")
  }
}

/// `flags`: attributes in upper case.
private final class FlagsObject: Object {
  private let flags: InvocationFlags
  init(_ flags: InvocationFlags) { self.flags = flags }

  var typeName: String { "Flags" }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    if let value = flags.values[name] { return Value(value) }
    let flags = flags
    guard name == "get" else { return nil }
    return .function(name, ["key", "default?"]) { values, _ in
      values[0]?.stringValue.flatMap { flags.values[$0] }.map(Value.init) ?? values[1] ?? .none
    }
  }

  func item(_ key: Value, _ evaluation: Evaluation) -> Value? {
    key.stringValue.flatMap { flags.values[$0] }.map(Value.init)
  }
}

/// `context_macro_stack`: which macros are running.
private final class MacroStackObject: Object {
  var typeName: String { "MacroStack" }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    switch name {
    case "depth": .int(evaluation.macroStack.count)
    case "call_stack": .list(evaluation.macroStack.reversed().map { .string($0.name) })
    default: nil
    }
  }
}

/// `validation.any[…]`: makes a check that a value is one of several.
private final class ValidationObject: Object {
  var typeName: String { "AttrDict" }
  var kinds: ValueKinds { .mapping }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    name == "any" ? .object(AnyOfObject()) : nil
  }

  func item(_ key: Value, _ evaluation: Evaluation) -> Value? {
    key.stringValue == "any" ? .object(AnyOfObject()) : nil
  }
}

private final class AnyOfObject: Object {
  var typeName: String { "function" }
  var kinds: ValueKinds { .callable }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) -> Value { AnyOfObject.check(arguments.positional) }

  func item(_ key: Value, _ evaluation: Evaluation) -> Value? {
    if case .tuple(let choices) = key { return AnyOfObject.check(choices) }
    return AnyOfObject.check([key])
  }

  private static func check(_ choices: [Value]) -> Value {
    .function("validator", ["value"]) { values, _ in
      let value = values[0] ?? .none
      // A type is named by a callable of its own name: `list`, `dict`, `str`.
      let isFitting = choices.contains { choice in
        choice == value || (choice.objectValue as? NativeFunction)?.name == value.typeName || choice.isUndefined
      }
      guard isFitting else {
        throw DBTError(
          .validation,
          "Expected value \"\(value.text)\" to be one of \(choices.map(\.text).joined(separator: ","))")
      }
      return .none
    }
  }
}
