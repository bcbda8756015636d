import Jinja

/// An exception on the way from a template to parameters: the name of its Python class, with module, and its message.
struct PythonException: Error, Hashable {
  let type: String
  let message: String

  static let parsing = "metricflow_semantic_interfaces.call_parameter_sets.ParseJinjaObjectException"
  static let syntax = "metricflow_semantic_interfaces.errors.InvalidQuerySyntax"
  private static let exceptions = "metricflow_semantic_interfaces.parsing.text_input.ti_exceptions"
  static let template = "\(exceptions).QueryItemJinjaException"
  static let method = "\(exceptions).InvalidBuilderMethodException"

  /// How Python's traceback ends.
  var text: String { message.isEmpty ? "\(type)\n" : "\(type): \(message)\n" }

  static func assertion(_ message: String) -> PythonException {
    PythonException(type: "AssertionError", message: message)
  }

  static func parsing(_ message: String) -> PythonException { PythonException(type: parsing, message: message) }

  /// Python's failure to find a method on a value of the wrong type.
  static func noAttribute(_ name: String, of value: Value) -> PythonException {
    if case .undefined(let undefined) = value {
      return PythonException(type: "jinja2.exceptions.UndefinedError", message: undefined.message)
    }
    let typeName = value.isNone ? "NoneType" : value.typeName
    return PythonException(type: "AttributeError", message: "'\(typeName)' object has no attribute '\(name)'")
  }

  /// The same as an error of a template that is running.
  var jinja: JinjaError { JinjaError(type == "AttributeError" ? .attribute : .undefined, message) }

  /// An error of a template under the name of its Python class.
  init(_ error: JinjaError) {
    message = error.message
    type =
      switch error.kind {
      case .host: error.underlying is ForbiddenMethod ? Self.method : Self.syntax
      case .syntax, .assertion, .undefined, .runtime, .filterArgument, .security:
        "jinja2.exceptions.\(error.kind.rawValue)"
      case .limit: "RecursionError"
      default: error.kind.rawValue
      }
  }

  init(type: String, message: String) {
    self.type = type
    self.message = message
  }
}

/// Marks a call of a method that the place does not allow.
struct ForbiddenMethod: Error {}
