package import EventLoop

/// Follows the lengths in a stream of units, so that a unit which begins and never ends is noticed. A pure machine that is
/// told the time; it understands nothing else of what it sees.
package struct FrameBoundary: Sendable {
  /// What a unit looks like.
  package enum Layout: Sendable {
    /// An HTTP/2 frame (RFC 9113 §4.1). A header block counts as one unit up to its last CONTINUATION (§4.3).
    case http2
    /// A TLS record (RFC 8446 §5.1).
    case tls
  }

  private let layout: Layout
  private var header: [UInt8] = []
  private var remaining = 0
  private var isInBlock = false
  /// When the first byte of the unit that has not ended yet arrived; nil between units.
  package private(set) var unfinishedSince: MonotonicTime?

  /// Stands before the first unit.
  package init(_ layout: Layout) { self.layout = layout }

  /// Takes note of the next bytes.
  package mutating func take(_ bytes: ArraySlice<UInt8>, at now: MonotonicTime) {
    var rest = bytes
    let size = layout == .http2 ? 9 : 5
    while !rest.isEmpty {
      if unfinishedSince == nil { unfinishedSince = now }
      if remaining > 0 {
        let count = min(remaining, rest.count)
        remaining -= count
        rest = rest.dropFirst(count)
      } else {
        let missing = size - header.count
        header.append(contentsOf: rest.prefix(missing))
        rest = rest.dropFirst(missing)
        guard header.count == size else { return }
        takeHeader()
      }
      if remaining == 0 && header.isEmpty && !isInBlock { unfinishedSince = nil }
    }
  }

  /// Reads the length out of a whole header.
  private mutating func takeHeader() {
    switch layout {
    case .tls: remaining = Int(header[3]) << 8 | Int(header[4])
    case .http2:
      remaining = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
      let (kind, flags) = (header[3], header[4])
      // HEADERS, PUSH_PROMISE, CONTINUATION; END_HEADERS is 0x4 in all three.
      if [1, 5, 9].contains(kind) { isInBlock = flags & 4 == 0 }
    }
    header.removeAll(keepingCapacity: true)
  }
}
