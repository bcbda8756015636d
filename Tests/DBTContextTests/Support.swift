import Jinja
import OrderedCollections
import PlainData
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import DBTContext

/// Lines that an invocation logged.
final class LineCollector: Sendable {
  private let kept = Mutex<[LogLine]>([])
  var lines: [LogLine] { kept.withLock { $0 } }
  func add(_ line: LogLine) { kept.withLock { $0.append(line) } }
}

/// An invocation and scope for tests, with nothing of the machine in it.
struct Bench {
  let collector = LineCollector()
  var environment = ProcessEnvironment(values: ["HOME": "/home/x", "DBT_ENV_SECRET_TOKEN": "s3cret"])
  var flags = InvocationFlags()
  var node: NodeReference? = NodeReference(
    resourceType: "model", name: "orders", path: "models/orders.sql", uniqueID: "model.shop.orders")
  var vars = VarSettings()
  var allowsSecrets = false
  var registry = MacroRegistry(rootPackage: "shop")
  var start = PythonDateTime(
    PythonDate(year: 2024, month: 2, day: 29)!, PythonTime(hour: 10, minute: 20, second: 30, zone: .utc)!)

  var invocation: Invocation {
    Invocation(
      environment: environment, flags: flags,
      target: TargetProfile(
        profileName: "p", targetName: "dev", host: "db", port: 5432, user: "u", database: "d", schema: "s"),
      invocationID: "00000000-0000-0000-0000-000000000000",
      startedAt: start,
      sink: { [collector] in collector.add($0) })
  }

  var scope: DBTScope {
    var settings = DBTScope.Settings(invocation: invocation, registry: registry)
    settings.node = node
    settings.vars = vars
    settings.allowsSecrets = allowsSecrets
    return DBTScope(settings)
  }

  /// Calls a member of the context, or a member of one of its members (`exceptions.warn`).
  func call(_ path: String, _ arguments: Value..., keywords: [(name: String, value: Value)] = []) throws -> Value {
    let evaluation = scope.evaluation()
    let names = path.split(separator: ".").map(String.init)
    var value = try #require((evaluation.globals as? DBTScope)?.value(names[0]))
    for name in names.dropFirst() { value = try #require(try member(name, of: value, evaluation)) }
    let function = try #require(value.objectValue)
    return try function.call(Arguments(arguments, keywords: keywords), evaluation)
  }

  func member(_ name: String, of value: Value, _ evaluation: Evaluation? = nil) throws -> Value? {
    if let dict = value.dictValue { return dict[name] }
    return try value.objectValue?.attribute(name, evaluation ?? scope.evaluation())
  }

  /// Calls a method of a value.
  func method(_ name: String, of value: Value, _ arguments: Value..., keywords: [(name: String, value: Value)] = [])
    throws
    -> Value
  {
    let function = try #require(try member(name, of: value)?.objectValue)
    return try function.call(Arguments(arguments, keywords: keywords), scope.evaluation())
  }
}

/// Answers of Python, one line of JSON for each line of JSON given.
func pythonAnswers(_ script: String, _ inputs: [PlainValue]) throws -> [PlainValue] {
  let prelude = "import sys, json\n"
  let text = try PythonPeer.run(prelude + script, input: PlainValue.array(inputs).json())
  let answers = try text.split(separator: "\n").map { try PlainValue(jsonText: String($0)) }
  try #require(answers.count == inputs.count)
  return answers
}
