import Glibc
import OrderedCollections
import PlainData
import YAMLDocument

/// A text that an option does not take; the message says why, in the words of dbt's parser.
struct DBTValueError: Error {
  let message: String
}

/// Reads values of options from texts.
enum DBTValue {
  /// One value from the command line; for a list, one of its entries.
  static func read(_ text: String, for parameter: DBTParameter) throws(DBTValueError) -> PlainValue {
    switch parameter.kind {
    case .flag, .toggle: return .bool(try truth(text))
    case .text: return .string(text)
    case .integer:
      guard let number = Int(trimmed(text)) else { throw DBTValueError(message: "'\(text)' is not a valid integer.") }
      return .int(number)
    case .choice(let choices): return .string(try choice(text, choices))
    case .words(let choices): return .string(choices.isEmpty ? text : try choice(text, choices))
    case .object: return .object(try object(text))
    case .path(let exists):
      guard unsafe access(text, F_OK) == 0 || !exists else {
        throw DBTValueError(message: "Path '\(text)' does not exist.")
      }
      return .string(text)
    }
  }

  /// A value from a variable of the environment.
  static func readVariable(_ text: String, for parameter: DBTParameter) throws(DBTValueError) -> PlainValue {
    guard case .words = parameter.kind else { return try read(text, for: parameter) }
    var values: [PlainValue] = []
    for word in text.split(whereSeparator: \.isWhitespace) { values.append(try read(String(word), for: parameter)) }
    return .array(values)
  }

  /// A YAML object.
  static func object(_ text: String) throws(DBTValueError) -> PlainObject {
    if text.allSatisfy(\.isWhitespace) { return [:] }
    do {
      let document = try YAMLDocument.parse(Array(text.utf8), path: "")
      if let object = document.objectValue { return object }
      if document.isNull { return [:] }
    } catch {}
    throw DBTValueError(message: "String '\(text)' is not valid YAML")
  }

  private static func choice(_ text: String, _ choices: [String]) throws(DBTValueError) -> String {
    if let found = choices.first(where: { $0.lowercased() == text.lowercased() }) { return found }
    let list = choices.map { "'\($0)'" }.joined(separator: ", ")
    throw DBTValueError(message: "'\(text)' is not one of \(list).")
  }

  private static func truth(_ text: String) throws(DBTValueError) -> Bool {
    switch trimmed(text).lowercased() {
    case "1", "true", "t", "yes", "y", "on": return true
    case "0", "false", "f", "no", "n", "off", "": return false
    default:
      throw DBTValueError(
        message:
          "'\(text)' is not a valid boolean. Recognized values: 0, 1, f, false, n, no, off, on, t, true, y, yes")
    }
  }

  private static func trimmed(_ text: String) -> String {
    var rest = Substring(text)
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest)
  }
}
