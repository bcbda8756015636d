package import OrderedCollections

/// Takes the members of an object one by one: to keep them as a `PlainObject`, or to write them as JSON at once.
package protocol ObjectSink {
  mutating func add(_ key: String, _ value: PlainValue)
  /// Adds a text; nil is null.
  mutating func add(_ key: String, text: String?)
  mutating func add(_ key: String, texts: [String])
  /// Adds an object that many others are likely to have as well, such as their configuration.
  mutating func add(_ key: String, alike object: PlainObject)
  /// Adds an object of which `members` adds the members.
  mutating func add(_ key: String, members: (inout Self) -> Void)
  /// Adds a list of objects; `members` adds the members of one.
  mutating func add<Item>(_ key: String, objects: [Item], members: (Item, inout Self) -> Void)
}

extension PlainObject: ObjectSink {
  package mutating func add(_ key: String, _ value: PlainValue) { self[key] = value }

  package mutating func add(_ key: String, text: String?) { self[key] = text.map(PlainValue.string) ?? .null }

  package mutating func add(_ key: String, texts: [String]) { self[key] = .array(texts.map(PlainValue.string)) }

  package mutating func add(_ key: String, alike object: PlainObject) { self[key] = .object(object) }

  package mutating func add(_ key: String, members: (inout PlainObject) -> Void) {
    var object = PlainObject()
    members(&object)
    self[key] = .object(object)
  }

  package mutating func add<Item>(_ key: String, objects: [Item], members: (Item, inout PlainObject) -> Void) {
    self[key] = .array(
      objects.map { item in
        var object = PlainObject()
        members(item, &object)
        return .object(object)
      })
  }
}
