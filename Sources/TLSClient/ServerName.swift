internal import CLinux

/// The forms of names that a server may be expected to prove.
enum ServerName {
  /// The name as certificates hold it: without brackets, zone or trailing dot, in lower case, in ASCII.
  static func normalized(_ name: String) -> String {
    var text = name[...]
    if text.hasPrefix("[") && text.hasSuffix("]") { text = text.dropFirst().dropLast() }
    if let zone = text.firstIndex(of: "%"), text.contains(":") { text = text[..<zone] }
    if text.hasSuffix(".") { text = text.dropLast() }
    let lower = text.lowercased()
    return InternationalName.ascii(lower) ?? lower
  }

  /// Whether the text is an IPv4 or IPv6 address.
  static func isAddress(_ text: String) -> Bool {
    var area = in6_addr()
    return unsafe inet_pton(AF_INET, text, &area) == 1 || inet_pton(AF_INET6, text, &area) == 1
  }

  /// What is wrong with a normalized name that is no address; nil: nothing.
  static func fault(in name: String) -> String? {
    if name.isEmpty { return "is empty" }
    if !name.utf8.allSatisfy({ $0 < 0x80 }) {
      return "has characters that cannot be converted here: write it in its ASCII form (xn--…)"
    }
    if name.utf8.count > 253 { return "is longer than the 253 bytes that DNS admits" }
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      default: [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
      }
    }
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    return isPlain && labels.allSatisfy({ (1...63).contains($0.utf8.count) }) ? nil : "is no host name"
  }
}
