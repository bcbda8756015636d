internal import CProtobufC

/// A message that can be copied from and into its struct of protobuf-c.
protocol TreeMessage: WireMessage {
  /// The C struct.
  associatedtype Tree

  /// protobuf-c's description of the struct. Lives for ever.
  static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> { get }

  /// Copies a tree that protobuf-c unpacked and `WireCheck` had passed.
  init(copying tree: UnsafePointer<Tree>)

  /// Sets the fields of `tree`, which holds the defaults; all memory comes from `arena`.
  func fill(_ tree: UnsafeMutablePointer<Tree>, in arena: MessageArena) throws(WireError)
}

extension TreeMessage {
  /// Checks, unpacks and copies.
  static func decoding(_ wire: [UInt8], limits: WireLimits) throws(WireError) -> Self {
    guard !wire.isEmpty else { return Self() }
    var check = WireCheck(limits: limits)
    unsafe try check.run(wire, as: descriptor)
    let arena = MessageArena(limits: limits)
    // The tree may point into the arena only: the copy ends before the arena goes.
    let message = withExtendedLifetime(arena) { () -> Self? in
      unsafe arena.withAllocator { allocator in
        unsafe wire.withUnsafeBufferPointer { buffer in
          guard let tree = unsafe protobuf_c_message_unpack(descriptor, allocator, buffer.count, buffer.baseAddress)
          else { return nil }
          return unsafe Self(copying: UnsafeRawPointer(tree).assumingMemoryBound(to: Tree.self))
        }
      }
    }
    if let message { return message }
    if arena.isExhausted {
      throw WireError(
        .limit("treeBytes"), message: fullName, "the message needs more than \(limits.treeBytes) bytes of memory")
    }
    throw WireError(.malformed, message: fullName, "the bytes are not such a message")
  }

  /// Builds the tree and packs it.
  func encoding(limits: WireLimits) throws(WireError) -> [UInt8] {
    let arena = MessageArena(limits: limits)
    let tree = unsafe try arena.tree(self)
    let message = unsafe UnsafeRawPointer(tree).assumingMemoryBound(to: ProtobufCMessage.self)
    let size = unsafe protobuf_c_message_get_packed_size(message)
    guard size <= limits.wireBytes else {
      throw WireError(
        .limit("wireBytes"), message: Self.fullName, "the message has \(size) bytes, over \(limits.wireBytes)")
    }
    let wire = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      count = unsafe protobuf_c_message_pack(message, start)
    }
    withExtendedLifetime(arena) {}
    return wire
  }
}
