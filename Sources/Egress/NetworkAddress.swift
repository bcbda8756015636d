internal import CLinux

/// One IPv4 or IPv6 address without a port: what rules compare.
///
/// An IPv4 address inside IPv6 (`::ffff:10.0.0.1`, RFC 4291 §2.5.5.2) is the IPv4 address, so that no rule can be passed by
/// spelling. A zone (`%eth0`) says which link, not which address, and is dropped.
package struct NetworkAddress: Sendable, Hashable, CustomStringConvertible {
  /// 4 or 16 bytes, in the order of the network.
  package let bytes: [UInt8]

  /// Whether this is an IPv6 address.
  package var isIPv6: Bool { bytes.count == 16 }

  /// Takes 4 or 16 bytes; nil for other counts.
  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    let all = Array(bytes)
    let isMapped = all.count == 16 && all[..<10].allSatisfy { $0 == 0 } && all[10] == 0xFF && all[11] == 0xFF
    self.bytes = isMapped ? Array(all[12...]) : all
  }

  /// Reads a literal: four decimal numbers, or IPv6 with or without brackets and zone. Nil: a name, or nothing at all.
  ///
  /// Short forms that the system's resolver takes for addresses (`127.1`, `0x7f000001`) are names here: their addresses are
  /// judged once they are resolved.
  package init?(_ text: String) {
    var literal = Substring(text)
    if literal.hasPrefix("["), literal.hasSuffix("]") { literal = literal.dropFirst().dropLast() }
    if let percent = literal.firstIndex(of: "%") { literal = literal[..<percent] }
    guard literal.utf8.count <= 45, !literal.utf8.contains(0) else { return nil }
    var area = [UInt8](repeating: 0, count: 16)
    let isIPv6 = literal.contains(":")
    let status = unsafe area.withUnsafeMutableBytes {
      unsafe inet_pton(isIPv6 ? AF_INET6 : AF_INET, String(literal), $0.baseAddress)
    }
    guard status == 1 else { return nil }
    self.init(bytes: isIPv6 ? area[...] : area[..<4])
  }

  /// Reads the bytes of a `sockaddr_in` or `sockaddr_in6`; nil for other families and short buffers.
  package init?(socketAddress area: UnsafeRawBufferPointer) {
    guard area.count >= 8 else { return nil }
    switch unsafe Int32(area.loadUnaligned(as: sa_family_t.self)) {
    case AF_INET: unsafe self.init(bytes: area[4..<8])
    case AF_INET6 where area.count >= 24: unsafe self.init(bytes: area[8..<24])
    default: return nil
    }
  }

  /// As numbers, such as `127.0.0.1` or `2001:db8::1`.
  package var description: String {
    var text = [UInt8](repeating: 0, count: 64)
    _ = unsafe bytes.withUnsafeBytes { address in
      unsafe text.withUnsafeMutableBytes { area in
        unsafe inet_ntop(
          isIPv6 ? AF_INET6 : AF_INET, address.baseAddress, area.baseAddress?.assumingMemoryBound(to: CChar.self), 64)
      }
    }
    return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// As it stands before a port: IPv6 in brackets.
  package var bracketed: String { isIPv6 ? "[\(description)]" : description }
}

extension NetworkAddress {
  /// A kind of address to which the name of a remote host has no business leading: what a rebinding attack would reach.
  package enum Special: String, Sendable, Hashable {
    case loopback = "a loopback address"
    case linkLocal = "a link-local address"
    case metadata = "the address of a cloud's metadata service"
    case multicast = "a multicast address"
    case unspecified = "no address of a host"
  }

  /// The kind, if the address is of one; also when it is wrapped into IPv6 by a translator (RFC 6052, RFC 3056).
  package var special: Special? {
    let list = isIPv6 ? Self.specialIPv6 : Self.specialIPv4
    if let found = list.first(where: { $0.block.contains(self) }) { return found.kind }
    return embedded?.special
  }

  /// The IPv4 address inside `64:ff9b::/96` (NAT64), `2002::/16` (6to4) or `::/96` (IPv4-compatible).
  private var embedded: NetworkAddress? {
    guard isIPv6 else { return nil }
    if bytes[..<12] == [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] || bytes[..<12].allSatisfy({ $0 == 0 }) {
      return NetworkAddress(bytes: bytes[12...])
    }
    return bytes[0] == 0x20 && bytes[1] == 0x02 ? NetworkAddress(bytes: bytes[2..<6]) : nil
  }

  /// Metadata services come first: some lie inside ranges of another kind.
  private static let specialIPv4: [(block: NetworkBlock, kind: Special)] = table([
    ("169.254.169.254/32", .metadata), ("169.254.170.2/32", .metadata), ("100.100.100.200/32", .metadata),
    ("168.63.129.16/32", .metadata), ("192.0.0.192/32", .metadata), ("127.0.0.0/8", .loopback),
    ("169.254.0.0/16", .linkLocal), ("224.0.0.0/4", .multicast), ("0.0.0.0/8", .unspecified),
    ("255.255.255.255/32", .unspecified),
  ])

  private static let specialIPv6: [(block: NetworkBlock, kind: Special)] = table([
    ("fd00:ec2::254/128", .metadata), ("::1/128", .loopback), ("::/128", .unspecified), ("fe80::/10", .linkLocal),
    ("ff00::/8", .multicast),
  ])

  private static func table(_ rows: [(String, Special)]) -> [(block: NetworkBlock, kind: Special)] {
    rows.compactMap { text, kind in NetworkBlock(text).map { ($0, kind) } }
  }
}
