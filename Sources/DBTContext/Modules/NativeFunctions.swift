package import Jinja

extension Value {
  /// A callable with a Python-like signature: `body` gets one value per parameter, nil where absent.
  ///
  /// - Parameter parameters: as `Arguments.bind` takes them: `"name"`, `"name?"`, `"*"`.
  package static func function(
    _ name: String, _ parameters: [String] = [], _ body: @escaping ([Value?], Evaluation) throws -> Value
  ) -> Value {
    .object(
      NativeFunction(name) { arguments, evaluation in try body(try arguments.bind(name, parameters), evaluation) })
  }

  /// The text of a value that may be absent, None or undefined.
  func optionalText(_ parameter: String) throws -> String? {
    switch self {
    case .none, .undefined: return nil
    default: break
    }
    guard let text = stringValue else {
      throw JinjaError(.type, "\(parameter) must be a string, not \(typeName)")
    }
    return text
  }

  /// The text, or a type error that names the parameter.
  func requiredText(_ parameter: String) throws -> String {
    guard let text = stringValue else {
      throw JinjaError(.type, "\(parameter) must be a string, not \(typeName)")
    }
    return text
  }

  /// The integer (booleans and whole decimals count), or a type error that names the parameter.
  func requiredInt(_ parameter: String) throws -> Int {
    switch self {
    case .int(let number): return number
    case .bool(let flag): return flag ? 1 : 0
    case .decimal(let number):
      if number.isIntegral, let whole = number.truncated.int { return whole }
    case .double(let number):
      if let whole = Int(exactly: number) { return whole }
    default: break
    }
    throw JinjaError(.type, "\(parameter): '\(typeName)' object cannot be interpreted as an integer")
  }

  /// The elements of a list, tuple or host sequence; nil when the value cannot be iterated.
  func elements(_ evaluation: Evaluation) throws -> [Value]? {
    switch self {
    case .list(let list): return list.items
    case .tuple(let items): return items
    case .dict(let dict): return dict.keys
    case .string(let text): return text.unicodeScalars.map { .string(String($0)) }
    case .object(let object): return try object.iterate(evaluation)
    // Jinja's undefined has no elements, and says so without complaint.
    case .undefined: return []
    default: return nil
    }
  }

  /// A text or None.
  init(optional text: String?) { self = text.map { .string($0) } ?? .none }
}
