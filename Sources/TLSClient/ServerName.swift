internal import CLinux

/// The forms of names that a server may be expected to prove.
enum ServerName {
  /// The name as certificates hold it: without brackets, zone or trailing dot, in lower case.
  static func normalized(_ name: String) -> String {
    var text = name[...]
    if text.hasPrefix("[") && text.hasSuffix("]") { text = text.dropFirst().dropLast() }
    if let zone = text.firstIndex(of: "%"), text.contains(":") { text = text[..<zone] }
    if text.hasSuffix(".") { text = text.dropLast() }
    return text.lowercased()
  }

  /// Whether the text is an IPv4 or IPv6 address.
  static func isAddress(_ text: String) -> Bool {
    var area = in6_addr()
    return unsafe inet_pton(AF_INET, text, &area) == 1 || inet_pton(AF_INET6, text, &area) == 1
  }
}
