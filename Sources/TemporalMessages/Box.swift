/// Keeps a value on the heap, for fields that would make a struct contain itself.
final class Box<Value: Sendable & Equatable>: Sendable, Equatable {
  let value: Value

  init(_ value: Value) {
    self.value = value
  }

  static func == (left: Box, right: Box) -> Bool {
    left === right || left.value == right.value
  }
}
