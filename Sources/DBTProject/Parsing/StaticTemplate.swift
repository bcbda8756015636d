import OrderedCollections
import PlainData

/// Recognizes templates so plain that dbt reads them without rendering: text, comments, and calls of `ref`, `source`
/// and
/// `config` with literal arguments. It shows in a manifest: such templates keep the literals of their configuration.
struct StaticTemplate {
  private let bytes: [UInt8]
  private var at = 0
  /// The literals of the `config` calls.
  private var settings = PlainObject()
  /// The literals of all `config` calls together.
  var literals: PlainObject { settings }
  /// The same, call by call.
  private(set) var calls: [PlainObject] = []
  private(set) var refs: [RefArguments] = []
  /// `[source name, table name]` pairs, each once.
  private(set) var sources: [[String]] = []
  /// Whether a text holds a backslash, whose meaning only rendering knows.
  private(set) var hasEscapes = false

  private init(_ code: String) { bytes = Array(code.utf8) }

  /// The literals of the `config` calls, empty without any; nil when the template is not that plain.
  static func settings(in code: String) -> PlainObject? {
    var template = StaticTemplate(code)
    return template.scan() ? template.settings : nil
  }

  /// What the template's calls say, so that it need not be rendered; nil when it is not that plain.
  static func reading(of code: String) -> StaticTemplate? {
    var template = StaticTemplate(code)
    return template.scan() && !template.hasEscapes ? template : nil
  }

  private mutating func scan() -> Bool {
    while at < bytes.count {
      if starts("{#") {
        guard let end = (at..<bytes.count).first(where: { starts("#}", at: $0) }) else { return false }
        at = end + 2
      } else if starts("{%") {
        return false
      } else if starts("{{") {
        at += 2
        guard expression() else { return false }
      } else {
        at += 1
      }
    }
    return true
  }

  private mutating func expression() -> Bool {
    skipBlank()
    if string() == nil {
      guard let name = word(), ["ref", "source", "config"].contains(name), take("("), call(name) else { return false }
    }
    skipBlank()
    guard starts("}}") else { return false }
    at += 2
    return true
  }

  private mutating func call(_ name: String) -> Bool {
    var texts: [String] = []
    var own = PlainObject()
    var named = 0
    while !take(")") {
      if texts.count + named > 0 {
        guard take(",") else { return false }
        if take(")") { break }
      }
      if let text = string() {
        guard named == 0 else { return false }
        texts.append(text)
      } else {
        guard let key = word(), take("="), let value = value(takesNumbers: name == "ref") else { return false }
        named += 1
        own[key] = value
        switch name {
        case "config":
          guard !["pre_hook", "post_hook"].contains(key) else { return false }
          settings[key] = value
        case "ref": guard ["v", "version"].contains(key) else { return false }
        default: guard ["source_name", "table_name"].contains(key) else { return false }
        }
      }
    }
    switch name {
    case "config":
      calls.append(own)
      return texts.isEmpty && named > 0
    case "ref":
      guard let last = texts.last, texts.count <= 2 else { return false }
      let version = own["version"] ?? own["v"]
      refs.append(
        RefArguments(
          name: last, package: texts.count == 2 ? texts[0] : nil,
          version: version.flatMap { $0.isTruthy ? $0 : nil }))
      return true
    default:
      // With keywords the order of the two is not known here.
      hasEscapes = hasEscapes || named > 0
      if !sources.contains(texts) { sources.append(texts) }
      return texts.count + named == 2
    }
  }

  private mutating func value(takesNumbers: Bool) -> PlainValue? {
    if let text = string() { return .string(text) }
    if take("[") { return list() }
    if take("{") { return dictionary() }
    guard let word = word() else { return nil }
    switch word {
    case "True": return true
    case "False": return false
    default: return takesNumbers ? Int(word).map(PlainValue.int) : nil
    }
  }

  private mutating func list() -> PlainValue? {
    var items: [PlainValue] = []
    while !take("]") {
      guard let item = value(takesNumbers: false) else { return nil }
      items.append(item)
      if !take(",") {
        guard take("]") else { return nil }
        break
      }
    }
    return .array(items)
  }

  private mutating func dictionary() -> PlainValue? {
    var members = PlainObject()
    while !take("}") {
      guard let key = string(), take(":"), let member = value(takesNumbers: false) else { return nil }
      members[key] = member
      if !take(",") {
        guard take("}") else { return nil }
        break
      }
    }
    return .object(members)
  }

  // MARK: Words

  private func starts(_ text: String, at place: Int? = nil) -> Bool { bytes[(place ?? at)...].starts(with: text.utf8) }

  private mutating func skipBlank() {
    while at < bytes.count, bytes[at] == 0x20 || (0x09...0x0D).contains(bytes[at]) { at += 1 }
  }

  private mutating func take(_ mark: String) -> Bool {
    skipBlank()
    guard starts(mark) else { return false }
    at += mark.utf8.count
    return true
  }

  private mutating func word() -> String? {
    skipBlank()
    let start = at
    while at < bytes.count,
      bytes[at] == 0x5F || (0x30...0x39).contains(bytes[at]) || (0x61...0x7A).contains(bytes[at] | 0x20)
    {
      at += 1
    }
    return at > start ? String(decoding: bytes[start..<at], as: UTF8.self) : nil
  }

  private mutating func string() -> String? {
    skipBlank()
    guard at < bytes.count, bytes[at] == UInt8(ascii: "'") || bytes[at] == UInt8(ascii: "\"") else { return nil }
    var end = at + 1
    while end < bytes.count, bytes[end] != bytes[at] {
      let isEscape = bytes[end] == UInt8(ascii: "\\")
      hasEscapes = hasEscapes || isEscape
      end += isEscape ? 2 : 1
    }
    guard end < bytes.count else { return nil }
    let text = String(decoding: bytes[(at + 1)..<end], as: UTF8.self)
    at = end + 1
    return text
  }
}
