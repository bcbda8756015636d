import Jinja

/// A dict that is made when it is first looked into: `modules` and each module in it, of which most templates use nothing.
final class LazyDict: Object {
  private let make: () throws -> DictObject
  private var made: DictObject?

  init(_ make: @escaping () throws -> DictObject) { self.make = make }

  private func dict() throws -> DictObject {
    if let made { return made }
    let dict = try make()
    made = dict
    return dict
  }

  var typeName: String { "dict" }
  var kinds: ValueKinds { [.mapping, .sequence, .iterable] }
  var isHashable: Bool { false }
  var count: Int? { try? dict().count }
  var repr: String { (try? Value.dict(dict()).repr) ?? "{}" }

  /// A method of dicts, else the item of that name.
  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    let found = try evaluation.attribute(name, of: .dict(dict()))
    return found.isUndefined ? nil : found
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    guard let name = key.stringValue else { return nil }
    return try dict()[name]
  }

  func iterate(_ evaluation: Evaluation) throws -> [Value]? { try dict().keys }

  func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? {
    try element.requireHashable()
    return try dict()[element] != nil
  }
}
