/// Which hosts are dialed directly although a proxy is set: the list in `NO_PROXY`.
///
/// The forms are those that most programs share: `*` (everything), a name (itself and what lies below it), `.suffix` or
/// `*.suffix` (what lies below only), an address, a range, each with an optional `:port`. Ranges match literals only: no
/// name is resolved to decide. Entries between commas or spaces.
package struct ProxyBypass: Sendable, Hashable {
  private enum Pattern: Sendable, Hashable {
    case everything
    case name(String)
    case below(String)
    case block(NetworkBlock)
  }

  private struct Entry: Sendable, Hashable {
    let pattern: Pattern
    /// Nil: every port.
    let port: Int?
  }

  private var entries: [Entry] = []
  /// Entries that could not be read; they match nothing. The list is often set for other programs with forms of their own.
  package private(set) var unread: [String] = []
  /// Whether this machine (`localhost`, 127.0.0.0/8, ::1) is dialed directly whatever the list says.
  private let exemptsLoopback: Bool

  /// Reads a list; entries that cannot be read are kept aside in `unread`.
  ///
  /// - Parameter exemptsLoopback: this machine's own addresses need no entry, as with most programs.
  package init(parsing text: String = "", exemptsLoopback: Bool = true) {
    self.exemptsLoopback = exemptsLoopback
    for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      guard entries.count < EgressPolicy.ruleLimit, let entry = Self.read(part) else {
        unread.append(HostName.shown(part))
        continue
      }
      entries.append(entry)
    }
  }

  /// Whether a host, name or literal, is dialed directly on a port.
  package func matches(host: String, port: Int) -> Bool {
    let address = NetworkAddress(host)
    let name = HostName.normalized(host)
    if exemptsLoopback, address.map({ $0.special == .loopback }) ?? HostName.isLocal(name) { return true }
    return entries.contains { entry in
      guard entry.port == nil || entry.port == port else { return false }
      return switch entry.pattern {
      case .everything: true
      case .name(let own): address == nil && (name == own || HostName.isBelow(name, own))
      case .below(let suffix): address == nil && HostName.isBelow(name, suffix)
      case .block(let block): address.map { block.contains($0) } ?? false
      }
    }
  }

  private static func read(_ text: Substring) -> Entry? {
    if text == "*" { return Entry(pattern: .everything, port: nil) }
    if let block = NetworkBlock(text) { return Entry(pattern: .block(block), port: nil) }
    guard let (host, port) = split(text) else { return nil }
    if let block = NetworkBlock(host) { return Entry(pattern: .block(block), port: port) }
    if host == "*" { return Entry(pattern: .everything, port: port) }
    let isBelow = host.hasPrefix("*.") || host.hasPrefix(".")
    let name = isBelow ? host.drop { $0 == "*" }.dropFirst() : host
    guard HostName.isPlausible(name) else { return nil }
    let normalized = HostName.normalized(name)
    return Entry(pattern: isBelow ? .below(normalized) : .name(normalized), port: port)
  }

  /// Divides `host:port`, `[address]:port` and `[address]`.
  private static func split(_ text: Substring) -> (host: Substring, port: Int?)? {
    var host = text
    var tail: Substring = ""
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { return nil }
      host = text[text.index(after: text.startIndex)..<end]
      tail = text[text.index(after: end)...]
    } else if let colon = text.firstIndex(of: ":") {
      host = text[..<colon]
      tail = text[colon...]
    }
    if tail.isEmpty { return (host, nil) }
    let digits = tail.dropFirst()
    guard tail.hasPrefix(":"), digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = Int(digits),
      (1...65_535).contains(port)
    else { return nil }
    return (host, port)
  }
}
