import OrderedCollections
import PlainData

/// Where a value stands, for errors.
struct Place {
  let resource: String
  var path = ""

  /// The place of a member or, with a number, of an item.
  func member(_ name: String) -> Place { Place(resource: resource, path: path.isEmpty ? name : "\(path).\(name)") }

  func error(_ reason: String) -> SemanticManifestError {
    SemanticManifestError(resource: resource, member: path, reason: reason)
  }
}

/// What is read from a value of a resource's document.
protocol Element {
  init(_ value: PlainValue, at place: Place) throws(SemanticManifestError)
}

/// What is read from the members of an object.
protocol ElementWithMembers: Element {
  init(_ reader: ElementReader) throws(SemanticManifestError)
}

extension ElementWithMembers {
  init(_ value: PlainValue, at place: Place) throws(SemanticManifestError) {
    try self.init(ElementReader(value, at: place))
  }
}

/// Reads the members of one object with pydantic's conversions: numbers become text, text becomes numbers, and so on.
///
/// Every function throws when the member is missing though it is required, null where null is not allowed, or cannot be
/// converted. Members that nobody asks for do not count.
struct ElementReader {
  let members: PlainObject
  let place: Place

  /// - Throws: when the value is no object, nor a list of pairs of which Python would make one.
  init(_ value: PlainValue, at place: Place) throws(SemanticManifestError) {
    guard let members = Self.object(value) else { throw place.error("must be an object, is \(value.kindName)") }
    self.members = members
    self.place = place
  }

  /// What Python's `dict()` makes of a value; nil where that fails or where keys are no texts.
  static func object(_ value: PlainValue) -> PlainObject? {
    switch value {
    case .object(let members): return members
    case .string(""): return [:]
    case .array(let items):
      var members = PlainObject()
      for item in items {
        guard let pair = pair(item), case .string(let key) = pair[0] else { return nil }
        members[key] = pair[1]
      }
      return members
    default: return nil
    }
  }

  private static func pair(_ item: PlainValue) -> [PlainValue]? {
    switch item {
    case .array(let parts): return parts.count == 2 ? parts : nil
    case .object(let members): return members.count == 2 ? members.keys.map { .string($0) } : nil
    case .string(let text):
      let scalars = text.unicodeScalars.map { PlainValue.string(String($0)) }
      return scalars.count == 2 ? scalars : nil
    default: return nil
    }
  }

  // MARK: Members

  /// A member that may neither be missing nor null.
  private func required(_ name: String) throws(SemanticManifestError) -> (value: PlainValue, place: Place) {
    guard let value = members[name] else { throw place.member(name).error("is missing") }
    guard !value.isNull else { throw place.member(name).error("must not be null") }
    return (value, place.member(name))
  }

  /// A member that may be missing but not null; nil when it is missing.
  private func defaulted(_ name: String) throws(SemanticManifestError) -> (value: PlainValue, place: Place)? {
    members[name] == nil ? nil : try required(name)
  }

  /// A member that may be missing or null; nil when it is.
  private func optional(_ name: String) -> (value: PlainValue, place: Place)? {
    guard let value = members[name], !value.isNull else { return nil }
    return (value, place.member(name))
  }

  func text(_ name: String) throws(SemanticManifestError) -> String {
    let (value, place) = try required(name)
    return try Conversion.text(value, at: place)
  }

  /// A text that may be missing, but not null.
  func text(_ name: String, default text: String) throws(SemanticManifestError) -> String {
    guard let (value, place) = try defaulted(name) else { return text }
    return try Conversion.text(value, at: place)
  }

  func optionalText(_ name: String) throws(SemanticManifestError) -> String? {
    guard let (value, place) = optional(name) else { return nil }
    return try Conversion.text(value, at: place)
  }

  /// A truth value that may be missing and is false then, but not null.
  func flag(_ name: String) throws(SemanticManifestError) -> Bool {
    guard let (value, place) = try defaulted(name) else { return false }
    return try Conversion.flag(value, at: place)
  }

  /// - Parameter missing: what it is when it is missing; null stays nil.
  func optionalFlag(_ name: String, missing: Bool? = nil) throws(SemanticManifestError) -> Bool? {
    if members[name] == nil { return missing }
    guard let (value, place) = optional(name) else { return nil }
    return try Conversion.flag(value, at: place)
  }

  func integer(_ name: String) throws(SemanticManifestError) -> Int {
    let (value, place) = try required(name)
    return try Conversion.integer(value, at: place)
  }

  func optionalInteger(_ name: String) throws(SemanticManifestError) -> Int? {
    guard let (value, place) = optional(name) else { return nil }
    return try Conversion.integer(value, at: place)
  }

  func optionalNumber(_ name: String) throws(SemanticManifestError) -> Double? {
    guard let (value, place) = optional(name) else { return nil }
    return try Conversion.number(value, at: place)
  }

  /// A member of an enumeration.
  ///
  /// - Parameter missing: what it is when it is missing; nil requires it.
  func choice<Kind: Choice>(_ name: String, missing: Kind? = nil) throws(SemanticManifestError) -> Kind {
    if let missing, members[name] == nil { return missing }
    let (value, place) = try required(name)
    return try Conversion.choice(value, at: place)
  }

  func optionalChoice<Kind: Choice>(_ name: String) throws(SemanticManifestError) -> Kind? {
    guard let (value, place) = optional(name) else { return nil }
    return try Conversion.choice(value, at: place)
  }

  func part<Part: Element>(_ name: String) throws(SemanticManifestError) -> Part {
    let (value, place) = try required(name)
    return try Part(value, at: place)
  }

  func optionalPart<Part: Element>(_ name: String) throws(SemanticManifestError) -> Part? {
    guard let (value, place) = optional(name) else { return nil }
    return try Part(value, at: place)
  }

  /// A list that may be missing, but not null.
  func list<Part: Element>(_ name: String) throws(SemanticManifestError) -> [Part] {
    guard let (value, place) = try defaulted(name) else { return [] }
    return try Conversion.list(value, at: place)
  }

  func requiredList<Part: Element>(_ name: String) throws(SemanticManifestError) -> [Part] {
    let (value, place) = try required(name)
    return try Conversion.list(value, at: place)
  }

  func optionalList<Part: Element>(_ name: String) throws(SemanticManifestError) -> [Part]? {
    guard let (value, place) = optional(name) else { return nil }
    return try Conversion.list(value, at: place)
  }
}

extension String: Element {
  init(_ value: PlainValue, at place: Place) throws(SemanticManifestError) {
    self = try Conversion.text(value, at: place)
  }
}
