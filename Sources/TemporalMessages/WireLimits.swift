/// Bounds on one message. A peer that exceeds one gets a `WireError` that names it.
package struct WireLimits: Sendable, Equatable {
  /// Bytes on the wire: as many as the channel accepts. Servers were seen to send histories of 15 MB in one answer.
  package var wireBytes: Int
  /// Nesting of messages. 100 is what other protobuf libraries allow; protobuf-c alone would recurse without end.
  package var depth: Int
  /// Fields and list elements in the whole message.
  package var elements: Int
  /// Memory for the tree of C structs, in bytes. Two bytes on the wire can ask for a struct of some hundred.
  package var treeBytes: Int

  /// The defaults: 32 MiB, 100 levels, two million elements, 128 MiB.
  package static let standard = WireLimits()

  /// Limits that differ from the defaults where they are given.
  package init(
    wireBytes: Int = 32 << 20, depth: Int = 100, elements: Int = 2_000_000, treeBytes: Int = 128 << 20
  ) {
    self.wireBytes = wireBytes
    self.depth = depth
    self.elements = elements
    self.treeBytes = treeBytes
  }
}
