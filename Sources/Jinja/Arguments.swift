/// The arguments of a call, as written: positional ones and keywords in order.
package struct Arguments {
  package var positional: [Value]
  package var keywords: [(name: String, value: Value)]

  package init(_ positional: [Value] = [], keywords: [(name: String, value: Value)] = []) {
    self.positional = positional
    self.keywords = keywords
  }

  /// The value of a keyword argument.
  package subscript(keyword name: String) -> Value? { keywords.first { $0.name == name }?.value }

  /// Matches the arguments with a Python-like signature and returns one value per parameter, nil where absent.
  ///
  /// A parameter is `"name"` (required) or `"name?"` (optional). Parameters after the entry `"*"` take keywords only
  /// (the marker has no place in the result). Throws Python's TypeErrors with the name of the function.
  package func bind(_ function: String, _ parameters: [String]) throws -> [Value?] {
    var names: [Substring] = []
    var required: [Bool] = []
    var positionalCount = parameters.count
    for parameter in parameters {
      if parameter == "*" {
        positionalCount = names.count
        continue
      }
      let optional = parameter.utf8.last == UInt8(ascii: "?")
      names.append(optional ? parameter.dropLast() : parameter[...])
      required.append(!optional)
    }
    positionalCount = min(positionalCount, names.count)
    guard positional.count <= positionalCount else {
      let fewest = required.prefix(positionalCount).count { $0 }
      let takes =
        fewest == positionalCount
        ? "\(positionalCount) positional argument\(positionalCount == 1 ? "" : "s")"
        : "from \(fewest) to \(positionalCount) positional arguments"
      throw JinjaError(
        .type,
        "\(function)() takes \(takes) but \(positional.count) \(positional.count == 1 ? "was" : "were") given")
    }
    var bound = [Value?](repeating: nil, count: names.count)
    for (index, value) in positional.enumerated() { bound[index] = value }
    for (name, value) in keywords {
      guard let index = names.firstIndex(where: { $0 == name }) else {
        throw JinjaError(.type, "\(function)() got an unexpected keyword argument '\(name)'")
      }
      guard bound[index] == nil else {
        throw JinjaError(.type, "\(function)() got multiple values for argument '\(name)'")
      }
      bound[index] = value
    }
    let missing = names.indices.filter { required[$0] && bound[$0] == nil }.map { "'\(names[$0])'" }
    guard missing.isEmpty else {
      throw JinjaError(
        .type,
        "\(function)() missing \(missing.count) required positional argument\(missing.count == 1 ? "" : "s"): "
          + missing.joined(separator: " and "))
    }
    return bound
  }
}
