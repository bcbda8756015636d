import OrderedCollections
import PlainData

/// What a value of a property file may look like: as much of JSON Schema as dbt asks of its properties.
indirect enum Shape: Sendable {
  case text
  case flag
  case integer
  case number
  case null
  case anything
  /// One of these texts.
  case choice([String])
  /// An object with any members.
  case members
  case list(Shape)
  /// An object with these members and no others, in dbt's order.
  case object([Member])
  /// An object whose members of these names look so, and that may have others.
  case open([Member])
  /// One of several.
  case any([Shape])

  /// A member that an object may have, or must.
  struct Member: Sendable {
    let name: String
    let shape: Shape
    let isRequired: Bool
  }

  /// What is wrong with a value: the way to it, and dbt's words.
  struct Fault: Sendable {
    var path: [PathKey] = []
    let message: String

    /// In the form `at path ['entities'][0]: …`.
    var description: String {
      let steps = path.map { step in
        switch step {
        case .key(let name): PlainValue.string(name).pythonRepresentation
        case .index(let number): String(number)
        }
      }
      return "at path [\(steps.joined(separator: "]["))]: \(message)"
    }
  }

  static func optional(_ shapes: Shape...) -> Shape { .any(shapes + [.null]) }

  static func may(_ name: String, _ shape: Shape) -> Member { Member(name: name, shape: shape, isRequired: false) }

  static func must(_ name: String, _ shape: Shape) -> Member { Member(name: name, shape: shape, isRequired: true) }

  /// The first thing wrong with a value, looked for in dbt's order: types, members, members too many, members missing.
  func fault(_ value: PlainValue) -> Fault? {
    switch self {
    case .any(let shapes):
      guard !shapes.contains(where: { $0.fault(value) == nil }) else { return nil }
      return Fault(message: "\(value.pythonRepresentation) is not valid under any of the given schemas")
    case .list(let shape):
      guard let items = value.arrayValue else { break }
      return Shape.first(items.enumerated().lazy.map { (.index($0), shape, $1) })
    case .object(let members):
      guard let given = value.objectValue else { break }
      return Shape.fault(given, members, isClosed: true)
    case .open(let members):
      guard let given = value.objectValue else { break }
      return Shape.fault(given, members, isClosed: false)
    case .anything: return nil
    case .choice(let texts):
      guard !(value.stringValue.map(texts.contains) ?? false) else { return nil }
      return Fault(message: "\(value.pythonRepresentation) is not one of \(PlainValue.strings(texts).pythonText)")
    default: if isBasis(of: value) { return nil }
    }
    return Fault(message: "\(value.pythonRepresentation) is not of type '\(typeName)'")
  }

  private func isBasis(of value: PlainValue) -> Bool {
    switch (self, value) {
    case (.text, .string), (.flag, .bool), (.integer, .int), (.number, .int), (.number, .double), (.null, .null),
      (.members, .object):
      true
    // As in JSON Schema, a number without a fraction is an integer however it is written.
    case (.integer, .double(let number)): number.rounded() == number
    default: false
    }
  }

  private var typeName: String {
    switch self {
    case .text: "string"
    case .flag: "boolean"
    case .integer: "integer"
    case .number: "number"
    case .null: "null"
    case .list: "array"
    case .members, .object, .open, .any, .anything, .choice: "object"
    }
  }

  private static func first(_ parts: some Sequence<(PathKey, Shape, PlainValue)>) -> Fault? {
    for (step, shape, value) in parts {
      guard var fault = shape.fault(value) else { continue }
      fault.path.insert(step, at: 0)
      return fault
    }
    return nil
  }

  private static func fault(ofOthersThan members: [Member], in given: PlainObject) -> Fault? {
    let known = Set(members.map(\.name))
    let others = given.keys.filter { !known.contains($0) }.sorted { $0.precedes($1) }
      .map { PlainValue.string($0).pythonRepresentation }
    guard !others.isEmpty else { return nil }
    let verb = others.count == 1 ? "was" : "were"
    return Fault(
      message: "Additional properties are not allowed (\(others.joined(separator: ", ")) \(verb) unexpected)")
  }

  private static func fault(_ given: PlainObject, _ members: [Member], isClosed: Bool) -> Fault? {
    let present = members.lazy.compactMap { member in given[member.name].map { (member, $0) } }
    if let fault = first(present.map { (.key($0.name), $0.shape, $1) }) { return fault }
    if isClosed, let fault = fault(ofOthersThan: members, in: given) { return fault }
    return members.first { $0.isRequired && given[$0.name] == nil }.map { member in
      Fault(message: "\(PlainValue.string(member.name).pythonRepresentation) is a required property")
    }
  }
}

extension PropertyEntry {
  /// - Throws: dbt's complaint about the first member that has not the shape asked for.
  func check(_ shape: Shape) throws(ProjectError) {
    if let fault = shape.fault(.object(members)) { throw invalid(fault.description) }
  }
}
