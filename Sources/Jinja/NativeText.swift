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
    return try marker.value(evaluation)
  }
}

/// Text marked by `as_text`, `as_bool`, `as_number` or `as_native` for native rendering.
final class NativeMarker: Object {
  enum Wish {
    case text
    case bool
    case number
    case native
  }

  let content: Value
  private let wish: Wish

  init(_ content: Value, _ wish: Wish) {
    // A mark on a mark counts alone: nothing is wrapped twice.
    if case .object(let marker as NativeMarker) = content {
      self.content = marker.content
    } else {
      self.content = content
    }
    self.wish = wish
  }

  var typeName: String { "str" }
  var text: String { content.text }
  var repr: String { PythonText.repr(content.text) }
  var isTruthy: Bool { content.isTruthy }
  var kinds: ValueKinds { [.string, .sequence, .iterable] }

  /// The value the mark asks for; throws when the text does not say such a value.
  func value(_ evaluation: Evaluation) throws -> Value {
    let text = try evaluation.text(of: content)
    if wish == .text { return .string(text) }
    let value = PythonLiteral.read(text) ?? .string(text)
    switch wish {
    case .bool:
      guard case .bool = value else {
        throw JinjaError(.value, "Could not convert value '\(text)' into type 'bool'")
      }
    case .number:
      switch value {
      case .int, .bigInt, .double: break
      default: throw JinjaError(.value, "Could not convert value '\(text)' into type 'number'")
      }
    default: break
    }
    return value
  }
}

/// Python's `ast.literal_eval`: numbers, text, booleans, None, and lists, tuples and dicts of them.
package enum PythonLiteral {
  /// The value of a literal, nil when the text is none.
  package static func read(_ text: String) -> Value? {
    guard text.utf8.count < 1 << 20 else { return nil }
    let source = "{{" + PythonString.strip(text) + "\n}}"
    let unit = SourceUnit(source: source, path: "literal", options: .plain)
    guard var parser = try? Parser(unit, options: .plain),
      parser.tokens.allSatisfy({ $0.kind != .name || ["True", "False", "None"].contains($0.text) }),
      let statements = try? parser.parseTemplate(),
      statements.count == 1, case .output(let expression) = statements[0].kind
    else { return nil }
    return value(expression)
  }

  private static func value(_ expression: Expression) -> Value? {
    switch expression.kind {
    case .constant(let literal): return literal.value
    case .negate(let operand): return value(operand).flatMap { try? Arithmetic.negate($0) }
    case .plus(let operand): return value(operand).flatMap { try? Arithmetic.plus($0) }
    case .list(let items): return all(items).map(Value.list)
    case .tuple(let items): return all(items).map(Value.tuple)
    case .dict(let pairs):
      let dict = DictObject()
      for (key, item) in pairs {
        guard let key = value(key), (try? key.requireHashable()) != nil, let item = value(item) else { return nil }
        dict[key] = item
      }
      return .dict(dict)
    default: return nil
    }
  }

  private static func all(_ items: [Expression]) -> [Value]? {
    var values: [Value] = []
    for item in items {
      guard let value = value(item) else { return nil }
      values.append(value)
    }
    return values
  }
}
