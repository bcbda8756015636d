internal import CProtobufC

/// Copies parts of a tree that protobuf-c unpacked. Counts and pointers belong together because protobuf-c wrote both;
/// text is valid UTF-8 without an inner NUL because `WireCheck` saw it first.
enum TreeReader {
  /// A C string; protobuf-c points absent ones at an empty string.
  static func text(_ text: UnsafeMutablePointer<CChar>?) -> String {
    guard let text = unsafe text else { return "" }
    return unsafe String(cString: text)
  }

  static func bytes(_ bytes: ProtobufCBinaryData) -> [UInt8] {
    guard let start = unsafe bytes.data, unsafe bytes.len > 0 else { return [] }
    return unsafe [UInt8](UnsafeBufferPointer(start: start, count: bytes.len))
  }

  static func message<Message: TreeMessage>(_ tree: UnsafeMutablePointer<Message.Tree>?) -> Message? {
    guard let tree = unsafe tree else { return nil }
    return unsafe Message(copying: tree)
  }

  static func messages<Message: TreeMessage>(
    _ count: Int, _ list: UnsafeMutablePointer<UnsafeMutablePointer<Message.Tree>?>?
  ) -> [Message] {
    guard let list = unsafe list else { return [] }
    return unsafe UnsafeBufferPointer(start: list, count: count).compactMap { unsafe message($0) }
  }

  static func list<Element, Value>(
    _ count: Int, _ list: UnsafeMutablePointer<Element>?, _ convert: (Element) -> Value
  ) -> [Value] {
    guard let list = unsafe list else { return [] }
    return unsafe UnsafeBufferPointer(start: list, count: count).map { convert($0) }
  }

  /// Of entries with one key the last counts, as proto3 has it.
  static func map<Key: Hashable, Value, Entry>(
    _ count: Int, _ list: UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>?,
    _ convert: (UnsafeMutablePointer<Entry>) -> (Key, Value)
  ) -> [Key: Value] {
    guard let list = unsafe list else { return [:] }
    var map: [Key: Value] = [:]
    for index in 0..<count {
      guard let entry = unsafe list[index] else { continue }
      let (key, value) = unsafe convert(entry)
      map[key] = value
    }
    return map
  }
}
