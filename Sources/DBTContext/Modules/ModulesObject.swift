import Jinja

/// `modules`: the parts of Python's library that dbt gives to templates.
final class ModulesObject: Object {
  private var made: [String: Value] = [:]

  var typeName: String { "dict" }
  var kinds: ValueKinds { [.mapping, .iterable] }

  private static let names = ["datetime", "itertools", "pytz", "re"]

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    if let known = made[name] { return known }
    let module: ModuleObject
    switch name {
    case "datetime": module = ModuleObject(name, DateTimeModule.member)
    case "pytz": module = ModuleObject(name, PytzModule.member)
    case "re": module = ModuleObject(name, RegexModule.member)
    case "itertools": module = ModuleObject(name, ItertoolsModule.member)
    default: return nil
    }
    let value = Value.object(module)
    made[name] = value
    return value
  }

  func item(_ key: Value, _ evaluation: Evaluation) -> Value? {
    key.stringValue.flatMap { attribute($0, evaluation) }
  }

  func iterate(_ evaluation: Evaluation) -> [Value]? { ModulesObject.names.map { .string($0) } }
}

/// One module: names found by a function.
final class ModuleObject: Object {
  private let name: String
  private let member: (String) throws -> Value?

  init(_ name: String, _ member: @escaping (String) throws -> Value?) {
    self.name = name
    self.member = member
  }

  var typeName: String { "module" }
  var repr: String { "<module '\(name)'>" }
  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? { try member(name) }
  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? { try key.stringValue.flatMap(member) }
}
