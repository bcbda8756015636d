/// Jinja's built-in tests, by name.
enum Tests {
  typealias Body = @Sendable (Value, Arguments, Evaluation) throws -> Bool

  static let table: [String: Body] = {
    var table: [String: Body] = [
      "defined": { value, _, _ in !value.isUndefined },
      "undefined": { value, _, _ in value.isUndefined },
      "none": { value, _, _ in value.isNone },
      "boolean": { value, _, _ in value.kinds.contains(.boolean) },
      "true": { value, _, _ in value.boolValue == true },
      "false": { value, _, _ in value.boolValue == false },
      "integer": { value, _, _ in value.kinds.contains(.integer) },
      "float": { value, _, _ in value.kinds.contains(.float) },
      "number": { value, _, _ in value.kinds.contains(.number) },
      "string": { value, _, _ in value.kinds.contains(.string) },
      "mapping": { value, _, _ in value.kinds.contains(.mapping) },
      "sequence": { value, _, _ in value.kinds.contains(.sequence) },
      "iterable": { value, _, _ in value.kinds.contains(.iterable) },
      "callable": { value, _, _ in value.kinds.contains(.callable) || value.isUndefined },
      "escaped": { value, _, _ in value.objectValue is Markup },
      "odd": { value, _, evaluation in try remainder(value, .int(2), evaluation, 1) },
      "even": { value, _, evaluation in try remainder(value, .int(2), evaluation, 0) },
      "divisibleby": { value, arguments, evaluation in
        try remainder(value, try arguments.bind("divisibleby", ["num"])[0] ?? .none, evaluation, 0)
      },
      "lower": { value, _, evaluation in isCased(try evaluation.text(of: value), upper: false) },
      "upper": { value, _, evaluation in isCased(try evaluation.text(of: value), upper: true) },
      "sameas": { value, arguments, _ in
        isSame(value, try arguments.bind("sameas", ["other"])[0] ?? .none)
      },
      "in": { value, arguments, evaluation in
        try evaluation.contains(value, in: try arguments.bind("in", ["seq"])[0] ?? .none)
      },
      "filter": { value, _, _ in
        try value.requireHashable()
        return value.stringValue.map { Filters.table[$0] != nil } ?? false
      },
      "test": { value, _, _ in
        try value.requireHashable()
        return value.stringValue.map { exists($0) } ?? false
      },
    ]
    let comparisons: [(Comparison, [String])] = [
      (.equal, ["eq", "equalto", "=="]), (.notEqual, ["ne", "!="]), (.less, ["lt", "lessthan", "<"]),
      (.lessOrEqual, ["le", "<="]), (.greater, ["gt", "greaterthan", ">"]), (.greaterOrEqual, ["ge", ">="]),
    ]
    for name in bare {
      guard let body = table[name] else { continue }
      table[name] = { value, arguments, evaluation in
        _ = try arguments.bind("test_" + name, [])
        return try body(value, arguments, evaluation)
      }
    }
    for (comparison, names) in comparisons {
      for name in names {
        table[name] = { value, arguments, evaluation in
          try evaluation.compare(comparison, value, try arguments.bind(name, ["other"])[0] ?? .none)
        }
      }
    }
    return table
  }()

  /// Tests without arguments.
  private static let bare = [
    "defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string", "mapping",
    "sequence", "iterable", "callable", "escaped", "odd", "even", "lower", "upper", "filter", "test",
  ]

  /// Not through `table`, which is still being made when the test "test" is.
  private static func exists(_ name: String) -> Bool { table[name] != nil }

  private static func remainder(
    _ value: Value, _ divisor: Value, _ evaluation: Evaluation, _ expected: Int
  ) throws -> Bool {
    try evaluation.equal(try evaluation.binary(.modulo, value, divisor), .int(expected))
  }

  private static func isCased(_ text: String, upper: Bool) -> Bool {
    let scalars = text.unicodeScalars
    return upper
      ? scalars.contains(where: \.isPythonUpper) && !scalars.contains(where: \.properties.isLowercase)
      : scalars.contains(where: \.properties.isLowercase) && !scalars.contains(where: \.isPythonUpper)
  }

  /// Python's `is`, as far as values have an identity.
  private static func isSame(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.none, .none): true
    case (.undefined(let a), .undefined(let b)): a === b
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.string(let a), .string(let b)): Value.same(a, b)
    case (.list(let a), .list(let b)): a === b
    case (.dict(let a), .dict(let b)): a === b
    case (.object(let a), .object(let b)): a === b
    default: false
    }
  }
}
