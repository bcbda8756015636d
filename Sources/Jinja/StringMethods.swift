extension Value {
  /// A method of one of Python's own types, bound to this value; nil when the type has none of that name.
  func builtInMethod(_ name: String) throws -> Value? { nil }
}
