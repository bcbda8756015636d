import Jinja

/// `context`: every name of a scope as a dict that templates may read and update.
final class ContextObject: Object {
  private let scope: DBTScope

  init(_ scope: DBTScope) { self.scope = scope }

  var typeName: String { "dict" }
  var kinds: ValueKinds { [.mapping, .sequence, .iterable] }
  var count: Int? { scope.names.count }
  var isHashable: Bool { false }
  var repr: String { "{...}" }

  func isEqual(to other: any Object) -> Bool { (other as? ContextObject)?.scope === scope }

  func item(_ key: Value, _ evaluation: Evaluation) -> Value? { key.stringValue.flatMap(scope.value) }

  func iterate(_ evaluation: Evaluation) -> [Value]? { scope.names.map { .string($0) } }

  func contains(_ element: Value, _ evaluation: Evaluation) -> Bool? { item(element, evaluation) != nil }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    let scope = scope
    switch name {
    case "get":
      return .function(name, ["key", "default?"]) { values, _ in
        values[0]?.stringValue.flatMap(scope.value) ?? values[1] ?? .none
      }
    case "keys": return .function(name) { _, _ in .list(scope.names.map { .string($0) }) }
    case "values": return .function(name) { _, _ in .list(scope.names.compactMap(scope.value)) }
    case "items":
      return .function(name) { _, _ in
        .list(scope.names.compactMap { name in scope.value(name).map { .tuple([.string(name), $0]) } })
      }
    case "update":
      return .object(
        NativeFunction(name) { arguments, _ in
          if let first = arguments.positional.first {
            guard let dict = first.dictValue else {
              throw JinjaError(.type, "update() needs a dict, not \(first.typeName)")
            }
            for (key, value) in dict.pairs { scope.update(key.text, value) }
          }
          for (key, value) in arguments.keywords { scope.update(key, value) }
          return .none
        })
    default: return nil
    }
  }
}
