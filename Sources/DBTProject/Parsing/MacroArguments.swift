import OrderedCollections
import PlainData

/// What a property file says of a macro's arguments, compared with those the macro has.
enum MacroArguments {
  /// dbt's complaints, in its order; none when nothing is said.
  ///
  /// - Parameters:
  ///   - written: objects with `name` and perhaps `type`.
  ///   - own: the arguments of the macro itself, in the same form.
  static func complaints(_ written: [PlainObject], own: [PlainValue], macro: String) -> [String] {
    guard !written.isEmpty else { return [] }
    var found: [String] = []
    for (mine, theirs) in zip(own, written) where mine["name"] != theirs["name"] {
      found.append("Argument \(name(theirs)) in yaml for macro \(macro) does not match the jinja definition.")
    }
    if own.count != written.count {
      found.append("The number of arguments in the yaml for macro \(macro) does not match the jinja definition.")
    }
    for argument in written {
      guard let type = argument["type"]?.stringValue, !type.trimmed.isEmpty, !isType(type) else { continue }
      found.append("Argument \(name(argument)) in the yaml for macro \(macro) has an invalid type.")
    }
    return found
  }

  private static func name(_ argument: PlainObject) -> String { argument["name"]?.pythonText ?? "None" }

  /// How many types a type is made of, in brackets after its name.
  private static let types = [
    "str": 0, "string": 0, "bool": 0, "int": 0, "integer": 0, "float": 0, "any": 0, "list": 1, "dict": 2, "optional": 1,
    "relation": 0, "column": 0,
  ]

  /// Nested deeper than this is no type; dbt's own limit is Python's.
  private static let depthLimit = 200

  /// Whether a text is a type such as `list[dict[string, int]]`.
  static func isType(_ text: String) -> Bool {
    var rest = text.utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }[...]
    return take(&rest, depth: 0) && rest.isEmpty
  }

  private static func take(_ rest: inout ArraySlice<UInt8>, depth: Int) -> Bool {
    let word = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    guard depth < depthLimit, let count = types[String(decoding: word, as: UTF8.self)] else { return false }
    rest = rest.dropFirst(word.count)
    guard count > 0 else { return true }
    func take(_ character: Character) -> Bool {
      guard let first = rest.first, first == character.asciiValue else { return false }
      rest = rest.dropFirst()
      return true
    }
    guard take("[") else { return false }
    for place in 0..<count {
      if place > 0, !take(",") { return false }
      guard Self.take(&rest, depth: depth + 1) else { return false }
    }
    return take("]")
  }
}
