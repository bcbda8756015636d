/// The identity of a workload, `spiffe://trust-domain/path` (SPIFFE-ID §2). Compared whole, byte by byte.
package struct SPIFFEID: Sendable, Hashable, CustomStringConvertible {
  /// The URI.
  package let text: String

  /// The longest URI that the standard admits, in bytes.
  private static let longest = 2048

  /// Checks a URI by the rules of the standard; nil: it breaks one.
  package init?(_ text: String) {
    guard text.utf8.count <= Self.longest, text.hasPrefix("spiffe://") else { return nil }
    let parts = text.dropFirst("spiffe://".count).split(separator: "/", omittingEmptySubsequences: false)
    guard let domain = parts.first, !domain.isEmpty, domain.utf8.count <= 255 else { return nil }
    let isDomain = domain.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      default: [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
      }
    }
    let isPath = parts.dropFirst().allSatisfy { segment in
      !segment.isEmpty && segment != "." && segment != ".."
        && segment.utf8.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
          default: [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
          }
        }
    }
    guard isDomain && isPath else { return nil }
    self.text = text
  }

  package var description: String { text }
}
