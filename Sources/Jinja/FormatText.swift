/// Python's `str.format` and `str.format_map`.
struct FormatText {
  private let evaluation: Evaluation
  private let positional: [Value]
  private let named: (String) throws -> Value
  private var next = 0
  private var isAutomatic: Bool?
  /// Whether text put in is escaped for HTML.
  private var escapes = false

  static func format(
    _ text: String, _ arguments: Arguments, _ evaluation: Evaluation, escapes: Bool = false
  ) throws -> String {
    var formatter = FormatText(evaluation: evaluation, positional: arguments.positional) { name in
      guard let value = arguments[keyword: name] else { throw JinjaError(.key, PythonText.repr(name)) }
      return value
    }
    formatter.escapes = escapes
    return try formatter.run(text, depth: 0)
  }

  static func format(
    _ text: String, mapping: Value, _ evaluation: Evaluation, escapes: Bool = false
  ) throws -> String {
    var formatter = FormatText(evaluation: evaluation, positional: []) { name in
      guard !mapping.kinds.isDisjoint(with: [.mapping, .sequence]) else {
        throw JinjaError(.type, "'\(mapping.typeName)' object is not subscriptable")
      }
      guard mapping.kinds.contains(.mapping) else {
        throw JinjaError(.type, "\(mapping.typeName) indices must be integers or slices, not str")
      }
      let value = try evaluation.item(.string(name), of: mapping)
      if value.isUndefined { throw JinjaError(.key, PythonText.repr(name)) }
      return value
    }
    formatter.escapes = escapes
    return try formatter.run(text, depth: 0)
  }

  private init(
    evaluation: Evaluation, positional: [Value], named: @escaping (String) throws -> Value
  ) {
    self.evaluation = evaluation
    self.positional = positional
    self.named = named
  }

  private mutating func run(_ text: String, depth: Int) throws -> String {
    guard depth < 2 else { throw JinjaError(.value, "Max string recursion exceeded") }
    let scalars = Array(text.unicodeScalars)
    var result = String.UnicodeScalarView()
    var index = 0
    while index < scalars.count {
      let scalar = scalars[index]
      index += 1
      let isDouble = index < scalars.count && scalars[index] == scalar
      if scalar == "{" {
        if isDouble {
          result.append("{")
          index += 1
          continue
        }
        let field = try field(scalars, &index)
        result.append(contentsOf: try replacement(field, depth).unicodeScalars)
        try evaluation.charge(bytes: 1)
      } else if scalar == "}" {
        guard isDouble else { throw JinjaError(.value, "Single '}' encountered in format string") }
        result.append("}")
        index += 1
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// The text of a replacement field, up to its closing brace.
  private func field(_ scalars: [Unicode.Scalar], _ index: inout Int) throws -> [Unicode.Scalar] {
    let start = index
    var depth = 1
    guard index < scalars.count else { throw JinjaError(.value, "Single '{' encountered in format string") }
    while index < scalars.count {
      if scalars[index] == "{" { depth += 1 }
      if scalars[index] == "}" {
        depth -= 1
        if depth == 0 {
          defer { index += 1 }
          return Array(scalars[start..<index])
        }
      }
      index += 1
    }
    throw JinjaError(.value, "expected '}' before end of string")
  }

  private mutating func replacement(_ field: [Unicode.Scalar], _ depth: Int) throws -> String {
    var nameEnd = field.count
    var inBrackets = false
    for (index, scalar) in field.enumerated() {
      if scalar == "[" { inBrackets = true }
      if scalar == "]" { inBrackets = false }
      if !inBrackets, scalar == ":" || scalar == "!" {
        nameEnd = index
        break
      }
    }
    var value = try value(Array(field[..<nameEnd]))
    var rest = field[nameEnd...]
    if rest.first == "!" {
      rest.removeFirst()
      guard let conversion = rest.popFirst() else {
        throw JinjaError(.value, "end of string while looking for conversion specifier")
      }
      guard rest.isEmpty || rest.first == ":" else {
        throw JinjaError(.value, "expected ':' after conversion specifier")
      }
      switch conversion {
      case "s": value = .string(try evaluation.text(of: value))
      case "r": value = .string(try evaluation.repr(of: value))
      case "a": value = .string(PythonText.ascii(try evaluation.repr(of: value)))
      default: throw JinjaError(.value, "Unknown conversion specifier \(conversion)")
      }
    }
    let spec = rest.isEmpty ? "" : try run(PythonString.text(rest.dropFirst()), depth: depth + 1)
    if escapes {
      if case .object(let markup as Markup) = value { return markup.content }
      return Markup.escape(try formatted(value, spec))
    }
    return try formatted(value, spec)
  }

  private func formatted(_ value: Value, _ spec: String) throws -> String {
    if spec.isEmpty { return try evaluation.text(of: value) }
    if case .object(let object) = value, let method = try object.attribute("strftime", evaluation) {
      return try evaluation.text(of: evaluation.call(method, Arguments([.string(spec)])))
    }
    return try FormatSpec.format(value, spec, evaluation)
  }

  /// Resolves `name`, `0`, `name.attribute`, `name[key]`.
  private mutating func value(_ text: [Unicode.Scalar]) throws -> Value {
    let end = text.firstIndex { $0 == "." || $0 == "[" } ?? text.count
    let name = PythonString.text(text[..<end])
    // Only an empty field is numbered: `{.name}` asks for the argument named "".
    var value = name.isEmpty && !text.isEmpty ? try named(name) : try first(name)
    var rest = text[end...]
    while let mark = rest.popFirst() {
      if mark == "." {
        let end = rest.firstIndex { $0 == "." || $0 == "[" } ?? rest.endIndex
        let name = PythonString.text(rest[..<end])
        guard !name.isEmpty else { throw JinjaError(.value, "Empty attribute in format string") }
        value = try evaluation.attribute(name, of: value)
        rest = rest[end...]
      } else if mark == "[" {
        guard let end = rest.firstIndex(of: "]") else { throw JinjaError(.value, "Missing ']' in format string") }
        let key = PythonString.text(rest[..<end])
        guard !key.isEmpty else { throw JinjaError(.value, "Empty attribute in format string") }
        let index = key.utf8.allSatisfy(\.isDigit) ? Int(key) : nil
        value = try evaluation.item(index.map(Value.int) ?? .string(key), of: value)
        rest = rest[(end + 1)...]
      } else {
        throw JinjaError(.value, "Only '.' or '[' may follow ']' in format field specifier")
      }
    }
    return value
  }

  private mutating func first(_ name: String) throws -> Value {
    guard name.isEmpty || name.utf8.allSatisfy(\.isDigit) else { return try named(name) }
    if isAutomatic == nil { isAutomatic = name.isEmpty }
    guard isAutomatic == name.isEmpty else {
      throw JinjaError(
        .value,
        name.isEmpty
          ? "cannot switch from manual field specification to automatic field numbering"
          : "cannot switch from automatic field numbering to manual field specification")
    }
    let index = Int(name) ?? next
    if name.isEmpty { next += 1 }
    guard positional.indices.contains(index) else {
      throw JinjaError(.index, "tuple index out of range")
    }
    return positional[index]
  }
}
