internal import CProtobufC

/// Owns all memory of one tree of C structs and gives it back at once.
///
/// protobuf-c allocates through it while it decodes; encoding builds its tree in it. Nothing is freed singly. What is
/// handed out is zeroed, aligned to 16 bytes, and lives as long as the arena. One thread uses it.
@safe final class MessageArena {
  private static let alignment = 16
  private static let firstBlock = 4 << 10
  private static let largestBlock = 256 << 10

  private let limits: WireLimits
  private var blocks: [UnsafeMutableRawPointer] = unsafe []
  private var next: UnsafeMutableRawPointer?
  private var left = 0
  private var used = 0
  private var depth = 0

  init(limits: WireLimits) {
    self.limits = limits
  }

  deinit {
    while let block = unsafe blocks.popLast() { unsafe block.deallocate() }
  }

  /// True once an allocation was refused because of the limit.
  private(set) var isExhausted = false

  /// Memory of `size` bytes, or nil beyond the limit.
  func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size >= 0, size <= limits.treeBytes - used else {
      isExhausted = true
      return nil
    }
    let rounded = max(Self.alignment, (size + Self.alignment - 1) & ~(Self.alignment - 1))
    used += rounded
    if rounded > left { grow(for: rounded) }
    let memory = unsafe next
    unsafe next = unsafe memory?.advanced(by: rounded)
    left -= rounded
    return unsafe memory
  }

  private func grow(for size: Int) {
    let block = max(size, min(Self.largestBlock, Self.firstBlock << min(unsafe blocks.count, 8)))
    let memory = UnsafeMutableRawPointer.allocate(byteCount: block, alignment: Self.alignment)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: block)
    unsafe blocks.append(memory)
    unsafe next = memory
    left = block
  }

  /// Lends the arena to protobuf-c. The allocator must not outlive the call.
  func withAllocator<Result>(_ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result) -> Result {
    var allocator = unsafe ProtobufCAllocator(
      alloc: { context, size in
        guard let context = unsafe context else { return nil }
        return unsafe Unmanaged<MessageArena>.fromOpaque(context).takeUnretainedValue().allocate(size)
      },
      free: { _, _ in },
      allocator_data: Unmanaged.passUnretained(self).toOpaque())
    return unsafe withUnsafeMutablePointer(to: &allocator) { unsafe body($0) }
  }
}

// MARK: - Building trees

extension MessageArena {
  /// Room for `count` values.
  private func room<Element>(_ count: Int, of kind: Element.Type) throws(WireError) -> UnsafeMutablePointer<Element> {
    let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard !overflow, let memory = unsafe allocate(size) else {
      throw WireError(.limit("treeBytes"), "the message needs more than \(limits.treeBytes) bytes of memory")
    }
    return unsafe memory.bindMemory(to: Element.self, capacity: max(count, 1))
  }

  /// A C struct with protobuf-c's defaults, set up by its descriptor.
  private func structure<Tree>(
    _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(WireError) -> UnsafeMutablePointer<Tree> {
    let tree = unsafe try room(1, of: Tree.self)
    unsafe protobuf_c_message_init(descriptor, UnsafeMutableRawPointer(tree))
    return unsafe tree
  }

  /// The tree of a message.
  func tree<Message: TreeMessage>(_ message: Message) throws(WireError) -> UnsafeMutablePointer<Message.Tree> {
    guard depth < limits.depth else {
      throw WireError(
        .limit("depth"), message: Message.fullName, "messages are nested more than \(limits.depth) levels deep")
    }
    depth += 1
    defer { depth -= 1 }
    let tree: UnsafeMutablePointer<Message.Tree> = unsafe try structure(Message.descriptor)
    do throws(WireError) {
      unsafe try message.fill(tree, in: self)
    } catch  where error.message.isEmpty {
      throw WireError(error.code, message: Message.fullName, field: error.field, error.reason)
    }
    return unsafe tree
  }

  /// The tree of a message, or nil when the field is not set.
  func message<Message: TreeMessage>(
    _ message: Message?
  ) throws(WireError) -> UnsafeMutablePointer<Message.Tree>? {
    guard let message else { return nil }
    return unsafe try tree(message)
  }

  /// Pointers to the trees of a list of messages.
  func messages<Message: TreeMessage>(
    _ messages: [Message]
  ) throws(WireError) -> UnsafeMutablePointer<UnsafeMutablePointer<Message.Tree>?>? {
    guard !messages.isEmpty else { return nil }
    let list = unsafe try room(messages.count, of: UnsafeMutablePointer<Message.Tree>?.self)
    for (index, message) in messages.enumerated() { unsafe list[index] = unsafe try tree(message) }
    return unsafe list
  }

  /// An array of C values.
  func list<Value, Element>(
    _ values: [Value], _ convert: (Value) throws(WireError) -> Element
  ) throws(WireError) -> UnsafeMutablePointer<Element>? {
    guard !values.isEmpty else { return nil }
    let list = unsafe try room(values.count, of: Element.self)
    for (index, value) in values.enumerated() {
      unsafe (list + index).initialize(to: try convert(value))
    }
    return unsafe list
  }

  /// Pointers to the entries of a map, in the order of the keys.
  func map<Key: Comparable, Value, Entry>(
    _ values: [Key: Value], _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>,
    _ fill: (UnsafeMutablePointer<Entry>, Key, Value) throws(WireError) -> Void
  ) throws(WireError) -> UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>? {
    guard !values.isEmpty else { return nil }
    let list = unsafe try room(values.count, of: UnsafeMutablePointer<Entry>?.self)
    for (index, pair) in values.sorted(by: { $0.key < $1.key }).enumerated() {
      let entry: UnsafeMutablePointer<Entry> = unsafe try structure(descriptor)
      unsafe try fill(entry, pair.key, pair.value)
      unsafe list[index] = unsafe entry
    }
    return unsafe list
  }

  /// A C string. Text that holds a NUL is refused: C would cut it short.
  func text(_ text: String, _ field: String) throws(WireError) -> UnsafeMutablePointer<CChar> {
    let count = text.utf8.count
    let memory = unsafe try room(count + 1, of: CChar.self)
    var index = 0
    for byte in text.utf8 {
      guard byte != 0 else { throw WireError(.innerNUL, field: field, "text holds a NUL character") }
      unsafe memory[index] = CChar(bitPattern: byte)
      index += 1
    }
    unsafe memory[index] = 0
    return unsafe memory
  }

  /// A C byte string.
  func bytes(_ bytes: [UInt8]) throws(WireError) -> ProtobufCBinaryData {
    guard !bytes.isEmpty else { return unsafe ProtobufCBinaryData(len: 0, data: nil) }
    let memory = unsafe try room(bytes.count, of: UInt8.self)
    unsafe bytes.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { unsafe memory.update(from: start, count: source.count) }
    }
    return unsafe ProtobufCBinaryData(len: bytes.count, data: memory)
  }
}
