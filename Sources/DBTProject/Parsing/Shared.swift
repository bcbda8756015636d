/// A large value that is copied by reference until a copy changes it.
@propertyWrapper
struct Shared<Value: Sendable>: Sendable {
  /// `@unchecked Sendable`: the value is only changed while one `Shared` alone refers to the storage; otherwise the change
  /// goes into a new one.
  private final class Storage: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
  }

  private var storage: Storage

  init(wrappedValue: Value) { storage = Storage(wrappedValue) }

  var wrappedValue: Value {
    _read { yield storage.value }
    _modify {
      if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.value) }
      yield &storage.value
    }
  }
}
