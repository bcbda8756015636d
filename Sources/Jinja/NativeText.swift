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
        throw JinjaError(.conversion, "Could not convert value '\(text)' into type 'bool'")
      }
    case .number:
      switch value {
      case .int, .bigInt, .double: break
      default: throw JinjaError(.conversion, "Could not convert value '\(text)' into type 'number'")
      }
    default: break
    }
    return value
  }
}
