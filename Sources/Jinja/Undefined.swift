/// What a template gets for a name, attribute or item that does not exist.
package final class Undefined: Sendable {
  /// What raises when the value is used: an ordinary undefined error, or a refusal of the sandbox.
  package enum Reason: Sendable {
    case missing
    case unsafe
  }

  /// The whole message, when it is not made from `name` and `owner`.
  package let hint: String?
  /// The name or the repr of the key that was looked up.
  package let name: String
  /// Python's description of the object that lacks the attribute ("dict object"); nil for a plain name.
  package let owner: String?
  /// Whether `name` is an attribute name; otherwise it is the repr of a key.
  package let isAttribute: Bool
  package let reason: Reason
  /// In parse mode, attribute, item and call give an undefined again instead of raising.
  package let isAbsorbing: Bool

  package init(
    name: String, owner: String? = nil, isAttribute: Bool = true, hint: String? = nil, reason: Reason = .missing,
    isAbsorbing: Bool = false
  ) {
    self.name = name
    self.owner = owner
    self.isAttribute = isAttribute
    self.hint = hint
    self.reason = reason
    self.isAbsorbing = isAbsorbing
  }

  /// The sentence Jinja prints when the value is used where it must exist.
  package var message: String {
    if let hint { return hint }
    guard let owner else { return "\(PythonText.repr(name)) is undefined" }
    return isAttribute
      ? "\(PythonText.repr(owner)) has no attribute \(PythonText.repr(name))" : "\(owner) has no element \(name)"
  }

  /// The error of using the value.
  package var error: JinjaError { JinjaError(reason == .unsafe ? .security : .undefined, message) }
}

/// How missing names behave in one evaluation.
package enum UndefinedPolicy: Sendable {
  /// Jinja's default: prints as nothing, is false and empty, raises on attribute access, call and arithmetic.
  case standard
  /// dbt's parse mode: attribute, item and call on a missing value give a missing value.
  case absorbing
  /// Jinja's `StrictUndefined`: raises when it is printed, walked, compared or asked for its truth, too.
  case strict
}
