package import Jinja
import PlainData

/// Python's `json.dumps` on template values, with its refusals.
package enum PythonJSON {
  /// The text with Python's default separators and escapes.
  ///
  /// - Throws: a type error for decimals, dates, relations and everything else that Python's encoder does not know, and a
  ///   limit error for values nested deeper than 200 levels.
  package static func text(_ value: Value, sortedKeys: Bool = false) throws -> String {
    var output = ""
    try write(value, sortedKeys, depth: 0, to: &output)
    return output
  }

  private static func write(_ value: Value, _ sortedKeys: Bool, depth: Int, to output: inout String) throws {
    guard depth < 200 else { throw JinjaError(.limit, "value is nested deeper than the limit of 200 for JSON") }
    switch value {
    case .none: output += "null"
    case .bool(let flag): output += flag ? "true" : "false"
    case .int(let number): output += String(number)
    case .bigInt(let number): output += number.text
    case .double(let number): output += PlainValue.double(number).json(.python)
    case .string(let text): output += quoted(text)
    case .list(let list): try write(list.items, sortedKeys, depth: depth, to: &output)
    case .tuple(let items): try write(items, sortedKeys, depth: depth, to: &output)
    case .dict(let dict):
      var pairs = try dict.pairs.map { (key: try key($0.key), value: $0.value) }
      if sortedKeys { pairs.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } }
      output += "{"
      for (index, pair) in pairs.enumerated() {
        if index > 0 { output += ", " }
        output += quoted(pair.key) + ": "
        try write(pair.value, sortedKeys, depth: depth + 1, to: &output)
      }
      output += "}"
    case .decimal, .object, .undefined:
      if let text = value.stringValue {
        output += quoted(text)
        return
      }
      throw JinjaError(
        .type, "Object of type \(value.typeName.split(separator: ".").last ?? "") is not JSON serializable")
    }
  }

  /// The text as a JSON string.
  private static func quoted(_ text: String) -> String {
    PlainValue.string(text).json(.python)
  }

  private static func write(_ items: [Value], _ sortedKeys: Bool, depth: Int, to output: inout String) throws {
    output += "["
    for (index, item) in items.enumerated() {
      if index > 0 { output += ", " }
      try write(item, sortedKeys, depth: depth + 1, to: &output)
    }
    output += "]"
  }

  private static func key(_ key: Value) throws -> String {
    switch key {
    case .string(let text): return text
    case .none, .bool, .int, .bigInt, .double:
      var text = ""
      try write(key, false, depth: 0, to: &text)
      return text
    default:
      throw JinjaError(.type, "keys must be str, int, float, bool or None, not \(key.typeName)")
    }
  }
}
