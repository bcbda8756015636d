import OrderedCollections
package import PlainData

/// Python's dict: shared and mutable, in insertion order, with any hashable value as key.
package final class DictObject {
  private var storage: OrderedDictionary<Value, Value>

  package init() { storage = [:] }

  package init(_ plain: PlainObject) {
    storage = OrderedDictionary(minimumCapacity: plain.count)
    for (key, value) in plain { storage[.string(key)] = Value(value) }
  }

  /// Later pairs win over earlier ones with an equal key, at the place of the first.
  package init(_ pairs: some Sequence<(key: Value, value: Value)>) {
    storage = [:]
    for (key, value) in pairs { storage[key] = value }
  }

  /// A dict with text keys, in the order given.
  package init(named pairs: KeyValuePairs<String, Value>) {
    storage = OrderedDictionary(minimumCapacity: pairs.count)
    for (key, value) in pairs { storage[.string(key)] = value }
  }

  deinit {
    guard !storage.isEmpty else { return }
    var values = Array(storage.values)
    storage = [:]
    Teardown.release(&values)
  }

  /// The value of a key. Setting nil removes the key. The key must be hashable (see `Value.requireHashable`).
  package subscript(key: Value) -> Value? {
    get { storage[key] }
    set { storage[key] = newValue }
  }

  package subscript(key: String) -> Value? {
    get { storage[.string(key)] }
    set { storage[.string(key)] = newValue }
  }

  package var count: Int { storage.count }
  package var isEmpty: Bool { storage.isEmpty }
  package var keys: [Value] { Array(storage.keys) }
  package var values: [Value] { Array(storage.values) }
  package var pairs: [(key: Value, value: Value)] { storage.elements.map { ($0.key, $0.value) } }

  /// Removes everything.
  package func removeAll() {
    var values = Array(storage.values)
    storage = [:]
    Teardown.release(&values)
  }

  /// Removes and returns the pair inserted last.
  package func popLast() -> (key: Value, value: Value)? {
    guard let last = storage.elements.last else { return nil }
    storage.removeLast()
    return (last.key, last.value)
  }

  package func copy() -> DictObject {
    let copy = DictObject()
    copy.storage = storage
    return copy
  }
}
