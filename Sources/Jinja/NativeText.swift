import PlainData

/// The result of native rendering, as dbt makes it from the parts a template put out.
enum NativeText {
  /// No part is the empty text, one part is itself, several are text. Marked parts (`|as_number` …) are converted.
  static func concatenate(_ parts: [Value], _ evaluation: Evaluation) throws -> Value {
    guard let first = parts.first else { return .string("") }
    guard parts.count == 1 else {
      var text = ""
      for part in parts { text += try evaluation.text(of: part) }
      try evaluation.charge(bytes: text.utf8.count)
      return .string(text)
    }
    guard case .object(let marker as NativeMarker) = first else { return first }
    return try marker.value()
  }
}

/// Text marked by `as_text`, `as_bool`, `as_number` or `as_native` for native rendering. As in dbt it is a string, whatever
/// was marked: an operator beside it sees the text.
final class NativeMarker: Object {
  enum Wish {
    case text
    case bool
    case number
    case native
  }

  let content: String
  private let wish: Wish

  init(_ content: String, _ wish: Wish) {
    self.content = content
    self.wish = wish
  }

  var typeName: String { "str" }
  var text: String { content }
  var repr: String { PythonText.repr(content) }
  var isTruthy: Bool { !content.utf8.isEmpty }
  var count: Int? { content.unicodeScalars.count }
  var kinds: ValueKinds { [.string, .sequence, .iterable] }
  func plain() -> PlainValue? { .string(content) }

  func isEqual(to other: any Object) -> Bool {
    Value.object(other).stringValue.map { Value.same(content, $0) } ?? false
  }

  func hash(into hasher: inout Hasher) { hasher.combine(content) }

  func iterate(_ evaluation: Evaluation) throws -> [Value]? { try evaluation.elements(of: .string(content)) }

  func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? {
    try evaluation.contains(element, in: .string(content))
  }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    let found = try evaluation.attribute(name, of: .string(content))
    return found.isUndefined ? nil : found
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    let found = try evaluation.item(key, of: .string(content))
    return found.isUndefined ? nil : found
  }

  /// The value the mark asks for; throws when the text does not say such a value.
  func value() throws -> Value {
    if wish == .text { return .string(content) }
    let value = PythonLiteral.read(content) ?? .string(content)
    switch wish {
    case .bool:
      guard case .bool = value else {
        throw JinjaError(.conversion, "Could not convert value '\(content)' into type 'bool'")
      }
    case .number:
      switch value {
      case .int, .bigInt, .double: break
      default: throw JinjaError(.conversion, "Could not convert value '\(content)' into type 'number'")
      }
    default: break
    }
    return value
  }
}

extension Value {
  /// A marked text as the string that it is for operators.
  var unmarked: Value {
    if case .object(let object) = self, let marker = object as? NativeMarker { .string(marker.content) } else { self }
  }
}
