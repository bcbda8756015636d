/// Writes one large JSON object member by member, in pieces that its user takes away.
package struct JSONObjectStream: ObjectSink {
  private var writer: JSONWriter
  /// For each open object, whether it has a member already.
  private var levels = [false]
  /// The last object that was added as one of many alike under each key, with its text.
  private var last: [String: (object: PlainObject, text: [UInt8])] = [:]

  /// - Parameter style: one without indentation and sorting of keys.
  package init(_ style: JSONStyle) {
    writer = JSONWriter(style: style)
    writer.append("{")
  }

  /// What was written since the last `take`.
  package var bytes: [UInt8] { writer.bytes }

  /// Takes what was written since the last call.
  package mutating func take() -> [UInt8] {
    let bytes = writer.bytes
    writer.bytes = []
    writer.bytes.reserveCapacity(bytes.count)
    return bytes
  }

  /// Adds a member to the object opened last.
  package mutating func add(_ key: String, _ value: PlainValue) {
    separate(key)
    writer.write(value, level: 0)
  }

  package mutating func add(_ key: String, text: String?) {
    separate(key)
    if let text { writer.quote(text) } else { writer.append("null") }
  }

  package mutating func add(_ key: String, texts: [String]) {
    separate(key)
    writer.append("[")
    for (index, text) in texts.enumerated() {
      if index > 0 { writer.comma() }
      writer.quote(text)
    }
    writer.append("]")
  }

  /// Adds an object. One that is equal to the last under this key is not written anew: its text is copied. (Equal numbers
  /// are one number in JSON, so that 0.0 may stand where -0.0 did.)
  package mutating func add(_ key: String, alike object: PlainObject) {
    separate(key)
    if let known = last[key], known.object == object {
      writer.bytes += known.text
      return
    }
    let start = writer.bytes.count
    writer.write(.object(object), level: 0)
    last[key] = (object, Array(writer.bytes[start...]))
  }

  package mutating func add(_ key: String, members: (inout JSONObjectStream) -> Void) {
    open(key)
    members(&self)
    close()
  }

  package mutating func add<Item>(_ key: String, objects: [Item], members: (Item, inout JSONObjectStream) -> Void) {
    separate(key)
    writer.append("[")
    for (index, item) in objects.enumerated() {
      if index > 0 { writer.comma() }
      begin()
      members(item, &self)
      close()
    }
    writer.append("]")
  }

  /// Begins an object as a member of the object opened last.
  package mutating func open(_ key: String) {
    separate(key)
    begin()
  }

  /// Ends the object opened last.
  package mutating func close() {
    levels.removeLast()
    writer.append("}")
  }

  /// Ends the document and takes the last piece.
  package mutating func finish() -> [UInt8] {
    writer.append("}")
    return take()
  }

  private mutating func begin() {
    writer.append("{")
    levels.append(false)
  }

  private mutating func separate(_ key: String) {
    if levels[levels.count - 1] { writer.comma() }
    levels[levels.count - 1] = true
    writer.quote(key)
    writer.colon()
  }
}
