/// Jinja's own global functions.
enum Globals {
  /// The global of a name, made anew; nil when there is none.
  static func value(_ name: String) -> Value? {
    switch name {
    case "range": .object(NativeFunction(name) { arguments, _ in try range(arguments) })
    case "dict": .object(DictClass())
    case "namespace":
      .object(
        NativeFunction(name) { arguments, evaluation in
          guard case .dict(let members) = try dict(arguments, evaluation) else { return .none }
          return .object(NamespaceObject(members))
        })
    case "cycler":
      .object(
        NativeFunction(name) { arguments, _ in
          guard !arguments.positional.isEmpty else {
            throw JinjaError(.state, "at least one item has to be provided")
          }
          return .object(Cycler(arguments.positional))
        })
    case "joiner":
      .object(
        NativeFunction(name) { arguments, _ in
          .object(Joiner(try arguments.bind("joiner", ["sep?"])[0] ?? .string(", ")))
        })
    case "lipsum": .object(NativeFunction(name, lipsum))
    default: nil
    }
  }

  /// The names of all of them.
  static let names = ["range", "dict", "namespace", "cycler", "joiner", "lipsum"]

  private static func range(_ arguments: Arguments) throws -> Value {
    guard arguments.keywords.isEmpty else { throw JinjaError(.type, "range() takes no keyword arguments") }
    let numbers = try arguments.positional.map { try $0.requireInt() }
    switch numbers.count {
    case 1: return .object(try RangeObject(start: 0, stop: numbers[0], step: 1))
    case 2: return .object(try RangeObject(start: numbers[0], stop: numbers[1], step: 1))
    case 3: return .object(try RangeObject(start: numbers[0], stop: numbers[1], step: numbers[2]))
    case 0: throw JinjaError(.type, "range expected at least 1 argument, got 0")
    default: throw JinjaError(.type, "range expected at most 3 arguments, got \(numbers.count)")
    }
  }

  @Sendable fileprivate static func dict(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    guard arguments.positional.count <= 1 else {
      throw JinjaError(.type, "dict expected at most 1 argument, got \(arguments.positional.count)")
    }
    let dict = DictObject()
    if let source = arguments.positional.first { try evaluation.fill(dict, from: source) }
    for (name, value) in arguments.keywords { dict[name] = value }
    try evaluation.charge(elements: dict.count * 2)
    return .dict(dict)
  }

  private static let words = [
    "harbour", "tide", "mast", "keel", "anchor", "pilot", "berth", "cargo", "hull", "wake", "rope", "sail", "deck",
    "buoy", "crane", "quay", "ferry", "barge", "bow", "stern",
  ]

  /// Filler text. The words are ours, the shape (sentences, paragraphs) is Jinja's.
  @Sendable private static func lipsum(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    let bound = try arguments.bind("lipsum", ["n?", "html?", "min?", "max?"])
    let count = min(100, max(0, try bound[0]?.requireInt() ?? 5))
    let isHTML = bound[1]?.isTruthy ?? true
    let low = min(10_000, max(1, try bound[2]?.requireInt() ?? 20))
    let high = min(10_001, max(low + 1, try bound[3]?.requireInt() ?? 100))
    var paragraphs: [String] = []
    for _ in 0..<count {
      let length = Int.random(in: low..<high, using: &evaluation.random)
      let text = (0..<length).map { _ in words.randomElement(using: &evaluation.random) ?? "" }.joined(separator: " ")
      paragraphs.append(PythonString.capitalize(text) + ".")
    }
    if !isHTML { return .string(paragraphs.joined(separator: "\n\n")) }
    return .object(Markup(paragraphs.map { "<p>\($0)</p>" }.joined(separator: "\n")))
  }
}

/// The class `dict` as a value.
private final class DictClass: Object {
  var typeName: String { "type" }
  var repr: String { "<class 'dict'>" }
  var kinds: ValueKinds { .callable }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    try Globals.dict(arguments, evaluation)
  }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    name == "fromkeys" ? try Value.dict(DictObject()).builtInMethod(name) : nil
  }

  func isEqual(to other: any Object) -> Bool { other is DictClass }
  func hash(into hasher: inout Hasher) { hasher.combine("dict") }
}
