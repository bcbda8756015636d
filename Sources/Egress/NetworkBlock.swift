/// A range of addresses with a common beginning (CIDR, RFC 4632): `10.0.0.0/8`, `2001:db8::/32`, or one address alone.
package struct NetworkBlock: Sendable, Hashable, CustomStringConvertible {
  /// The first address of the range.
  package let base: NetworkAddress
  /// How many leading bits all addresses share: 0...32 or 0...128.
  package let prefix: Int

  /// The range of one address.
  package init(_ address: NetworkAddress) {
    self.init(base: address, prefix: address.bytes.count * 8)
  }

  /// Reads `address` or `address/bits`; nil when it is neither, or when the address has bits beyond the prefix.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, !first.contains("%"), let address = NetworkAddress(String(first)) else { return nil }
    guard parts.count == 2 else {
      self.init(address)
      return
    }
    var bits = parts[1].utf8.count <= 3 && parts[1].utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(parts[1]) : nil
    // `::ffff:10.0.0.0/104` speaks of IPv4 in IPv6's numbers.
    if !address.isIPv6, first.contains(":") { bits = bits.map { $0 - 96 } }
    guard let bits, (0...address.bytes.count * 8).contains(bits) else { return nil }
    self.init(base: address, prefix: bits)
    guard masked(address) == address.bytes else { return nil }
  }

  private init(base: NetworkAddress, prefix: Int) {
    self.base = base
    self.prefix = prefix
  }

  /// Whether the address lies in the range. IPv4 and IPv6 never match each other.
  package func contains(_ address: NetworkAddress) -> Bool {
    address.bytes.count == base.bytes.count && masked(address) == base.bytes
  }

  private func masked(_ address: NetworkAddress) -> [UInt8] {
    address.bytes.enumerated().map { index, byte in
      let kept = min(8, max(0, prefix - index * 8))
      return kept == 8 ? byte : byte & ~(0xFF >> UInt8(kept))
    }
  }

  package var description: String {
    prefix == base.bytes.count * 8 ? base.description : "\(base)/\(prefix)"
  }
}
