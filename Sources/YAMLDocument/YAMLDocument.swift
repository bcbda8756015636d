import OrderedCollections
package import PlainData

/// A YAML document read as PyYAML's `SafeLoader` reads it: YAML 1.1 scalars, merge keys, anchors and aliases.
///
/// Differences from PyYAML, all because the result is plain data: dates and timestamps become text in the form that Python's
/// `str()` gives them (`2024-01-31`, `2024-01-31 10:00:00+00:00`); mapping keys that are not strings become text as JSON
/// writes them (`1`, `true`, `null`); integers beyond 64 bits become doubles; `!!binary`, `!!set`, `!!omap`, `!!pairs` and
/// values that contain themselves are refused.
package struct YAMLDocument: Sendable {
  /// A key that stands more than once in one mapping. The last one counts.
  package struct DuplicateKey: Sendable, Equatable {
    package var key: String
    /// Line of the later occurrence, from 1.
    package var line: Int
    /// Column of the later occurrence in characters, from 1.
    package var column: Int
  }

  /// The document; null when the text holds none.
  package let root: PlainValue
  /// In the order of the text.
  package let duplicateKeys: [DuplicateKey]

  /// Reads the one document of a text in UTF-8.
  ///
  /// - Parameter path: the name of the file in errors.
  /// - Throws: `YAMLError` with line, column and excerpt; also when a limit is exceeded or a second document follows.
  package init(_ bytes: [UInt8], path: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) {
    guard bytes.count <= limits.bytes else {
      let message = "the file has \(bytes.count) bytes, more than the limit of \(limits.bytes)"
      throw YAMLError(.limit, message, at: YAMLPlace(line: 1, column: 1), path: path, text: [])
    }
    var composer = YAMLComposer(reader: try YAMLEventReader(bytes, path: path), text: bytes, path: path, limits: limits)
    self.root = try composer.document()
    self.duplicateKeys = composer.duplicateKeys
  }

  /// The value of the one document of a text in UTF-8; see `init(_:path:limits:)`.
  package static func parse(
    _ bytes: [UInt8], path: String, limits: YAMLLimits = YAMLLimits()
  ) throws(YAMLError) -> PlainValue {
    try YAMLDocument(bytes, path: path, limits: limits).root
  }

  /// The value of the one document of a text; see `init(_:path:limits:)`.
  package static func parse(
    text: String, path: String, limits: YAMLLimits = YAMLLimits()
  ) throws(YAMLError) -> PlainValue {
    try parse(Array(text.utf8), path: path, limits: limits)
  }
}

/// Builds plain data from events.
private struct YAMLComposer {
  /// What an anchor stands for, with its size for the bounds.
  struct Anchored {
    var value: PlainValue
    var nodes: Int
    var height: Int
  }

  let reader: YAMLEventReader
  let text: [UInt8]
  let path: String
  let limits: YAMLLimits
  var duplicateKeys: [YAMLDocument.DuplicateKey] = []
  /// nil while the anchored value is still being read.
  private var anchors: [String: Anchored?] = [:]
  private var nodes = 0

  init(reader: YAMLEventReader, text: [UInt8], path: String, limits: YAMLLimits) {
    self.reader = reader
    self.text = text
    self.path = path
    self.limits = limits
  }

  mutating func document() throws(YAMLError) -> PlainValue {
    _ = try reader.next()
    let start = try reader.next()
    guard start.kind == .documentStart else { return .null }
    let value = try node(try reader.next(), depth: 0).value
    _ = try reader.next()
    let next = try reader.next()
    guard next.kind == .streamEnd else {
      throw fault(.unsupported, "expected a single document, but another one starts here", next.place)
    }
    return value
  }

  private func fault(_ kind: YAMLError.Kind, _ message: String, _ place: YAMLPlace) -> YAMLError {
    YAMLError(kind, message, at: place, path: path, text: text)
  }

  private mutating func count(_ more: Int, depth: Int, _ place: YAMLPlace) throws(YAMLError) {
    nodes += more
    guard nodes <= limits.nodes else {
      throw fault(.limit, "the document, aliases expanded, has more values than the limit of \(limits.nodes)", place)
    }
    guard depth <= limits.depth else {
      throw fault(.limit, "nested deeper than the limit of \(limits.depth)", place)
    }
  }

  /// Reads the node that an event starts.
  private mutating func node(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> Anchored {
    if case .alias(let name) = event.kind { return try alias(name, depth: depth, event.place) }
    try count(1, depth: depth, event.place)
    if let anchor = event.anchor {
      guard anchors[anchor] == nil else {
        throw fault(.syntax, "the anchor '\(anchor)' is defined a second time", event.place)
      }
      anchors[anchor] = .some(nil)
    }
    let before = nodes
    var height = 0
    let value: PlainValue
    switch event.kind {
    case .scalar(let text, let isPlain): value = try scalar(text, isPlain: isPlain, event)
    case .sequenceStart: value = try sequence(event, depth: depth, height: &height)
    case .mappingStart: value = try mapping(event, depth: depth, height: &height)
    default: throw fault(.syntax, "expected a value", event.place)
    }
    let result = Anchored(value: value, nodes: nodes - before + 1, height: height)
    if let anchor = event.anchor { anchors[anchor] = result }
    return result
  }

  private mutating func alias(_ name: String, depth: Int, _ place: YAMLPlace) throws(YAMLError) -> Anchored {
    guard let known = anchors[name] else { throw fault(.syntax, "found undefined alias '\(name)'", place) }
    guard let anchored = known else {
      throw fault(.unsupported, "the alias '\(name)' stands inside the value that it names", place)
    }
    try count(anchored.nodes, depth: depth + anchored.height, place)
    return anchored
  }

  private mutating func sequence(_ event: YAMLEvent, depth: Int, height: inout Int) throws(YAMLError) -> PlainValue {
    try expect(event, YAMLScalar.sequenceTag, "a list")
    var items: [PlainValue] = []
    while true {
      let next = try reader.next()
      if next.kind == .sequenceEnd { return .array(items) }
      let item = try node(next, depth: depth + 1)
      height = max(height, item.height + 1)
      items.append(item.value)
    }
  }

  private mutating func mapping(_ event: YAMLEvent, depth: Int, height: inout Int) throws(YAMLError) -> PlainValue {
    try expect(event, YAMLScalar.mappingTag, "a mapping")
    var merged = PlainObject()
    var own = PlainObject()
    while true {
      let next = try reader.next()
      if next.kind == .mappingEnd { break }
      let isMerge = next.kind == .scalar("<<", isPlain: true) && next.tag == nil
      let key = try key(next, depth: depth + 1)
      let valueEvent = try reader.next()
      let value = try node(valueEvent, depth: depth + 1)
      height = max(height, value.height + 1)
      if isMerge {
        try merge(value.value, into: &merged, valueEvent.place)
      } else {
        if own.updateValue(value.value, forKey: key) != nil {
          duplicateKeys.append(YAMLDocument.DuplicateKey(key: key, line: next.place.line, column: next.place.column))
        }
      }
    }
    guard !merged.isEmpty else { return .object(own) }
    merged.merge(own) { _, last in last }
    return .object(merged)
  }

  /// A merge key takes a mapping or a list of mappings of which the first one that has a key wins.
  private func merge(_ value: PlainValue, into merged: inout PlainObject, _ place: YAMLPlace) throws(YAMLError) {
    switch value {
    case .object(let members): merged.merge(members) { _, last in last }
    case .array(let items):
      for item in items.reversed() {
        guard case .object(let members) = item else {
          throw fault(.syntax, "expected a mapping for merging, but found \(item.kindName)", place)
        }
        merged.merge(members) { _, last in last }
      }
    default:
      throw fault(.syntax, "expected a mapping or a list of mappings for merging, but found \(value.kindName)", place)
    }
  }

  private mutating func key(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> String {
    let value = try node(event, depth: depth).value
    switch value {
    case .string(let text): return text
    case .array, .object: throw fault(.unsupported, "\(value.kindName) cannot be the key of a mapping", event.place)
    default: return value.json()
    }
  }

  private func expect(_ event: YAMLEvent, _ tag: String, _ what: String) throws(YAMLError) {
    if let found = event.tag, found != tag, found != "!" {
      throw fault(.unsupported, "could not determine how to read \(what) with the tag '\(found)'", event.place)
    }
  }

  private func scalar(_ text: String, isPlain: Bool, _ event: YAMLEvent) throws(YAMLError) -> PlainValue {
    do {
      if let tag = event.tag, tag != "!" { return try YAMLScalar.value(text, tag: tag) }
      // A lone `!` forces the text to stay text.
      return isPlain && event.tag == nil ? try YAMLScalar.plain(text) : .string(text)
    } catch {
      throw fault(.unsupported, error.message, event.place)
    }
  }
}
