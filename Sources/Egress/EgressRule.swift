/// One entry of `SALLYPORT_EGRESS_ALLOW`: a destination and the ports on it.
struct EgressRule: Sendable, Hashable {
  /// What a rule speaks of.
  enum Destination: Sendable, Hashable {
    /// One name, normalized.
    case name(String)
    /// Every name below this one, not the name itself; without the dot at its start.
    case below(String)
    /// Every name, no address.
    case anyName
    /// Every address of a range.
    case block(NetworkBlock)
    /// A unix socket, or every one in a folder.
    case socket(String)
  }

  /// What the rule speaks of.
  let destination: Destination
  /// The TCP ports; all of them for a socket.
  let ports: ClosedRange<Int>

  private static let allPorts = 1...65_535

  /// Reads one entry: `host`, `host:port`, `*.suffix:port`, `10.0.0.0/8:5432`, `[2001:db8::]/32:443`, `host:*`,
  /// `host:8000-8100`, `*:443`, `unix:/path`. Without a port every port is meant.
  ///
  /// - Throws: `EgressError.malformedSetting`, naming the entry, its fault and a right one.
  init(_ entry: String) throws(EgressError) {
    if entry.hasPrefix("unix:") {
      destination = .socket(try Self.path(String(entry.dropFirst(5)), of: entry))
      ports = Self.allPorts
      return
    }
    guard !entry.contains("://") else { throw Self.fault(entry, "is a URL", "scheduler.example:7233") }
    let (host, port) = try Self.split(entry)
    ports = try Self.ports(port, of: entry)
    destination = try Self.destination(host, of: entry)
  }

  /// Whether the rule admits a normalized name on a port, before anything is known of its addresses.
  func admits(name: String, port: Int) -> Bool {
    guard ports.contains(port) else { return false }
    return switch destination {
    case .name(let own): own == name
    case .below(let suffix): HostName.isBelow(name, suffix)
    case .anyName: true
    case .block, .socket: false
    }
  }

  /// Whether the rule names this machine's own name, so that it may lead to a loopback address.
  func admitsLoopback(name: String, port: Int) -> Bool {
    destination != .anyName && HostName.isLocal(name) && admits(name: name, port: port)
  }

  /// Whether the rule lists an address on a port.
  func admits(address: NetworkAddress, port: Int) -> Bool {
    guard case .block(let block) = destination else { return false }
    return ports.contains(port) && block.contains(address)
  }

  /// Whether the rule lists any addresses on a port.
  func listsAddresses(port: Int) -> Bool {
    guard case .block = destination else { return false }
    return ports.contains(port)
  }

  /// Whether the rule lists a unix socket or the folder that holds it.
  func admits(socket path: String) -> Bool {
    guard case .socket(let own) = destination else { return false }
    return path == own || path.hasPrefix(own == "/" ? own : own + "/")
  }

  // MARK: Reading

  private static func split(_ entry: String) throws(EgressError) -> (host: Substring, port: Substring?) {
    if entry.hasPrefix("[") {
      guard let end = entry.firstIndex(of: "]") else {
        throw fault(entry, "lacks the closing bracket", "[2001:db8::1]:443")
      }
      let inner = entry[entry.index(after: entry.startIndex)..<end]
      let tail = entry[entry.index(after: end)...]
      guard inner.contains(":") else { throw fault(entry, "has no IPv6 address in its brackets", "[2001:db8::1]:443") }
      let colon = tail.firstIndex(of: ":") ?? tail.endIndex
      let bits = tail[..<colon]
      guard bits.isEmpty || bits.hasPrefix("/") else {
        throw fault(entry, "has something between bracket and port", "[2001:db8::]/32:443")
      }
      return (inner + bits, colon == tail.endIndex ? nil : tail[tail.index(after: colon)...])
    }
    // Two colons without brackets: an IPv6 address or range, on every port.
    guard entry.split(separator: ":", omittingEmptySubsequences: false).count == 2,
      let colon = entry.firstIndex(of: ":")
    else { return (entry[...], nil) }
    return (entry[..<colon], entry[entry.index(after: colon)...])
  }

  private static func ports(_ text: Substring?, of entry: String) throws(EgressError) -> ClosedRange<Int> {
    guard let text, text != "*" else { return allPorts }
    let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { part in
      part.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(part) : nil
    }
    guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last, allPorts.contains(first),
      allPorts.contains(last)
    else {
      throw fault(
        entry, "has a port that is no number from 1 to 65535, no range of them and no '*'", "db.internal:5432")
    }
    return first...last
  }

  private static func destination(_ host: Substring, of entry: String) throws(EgressError) -> Destination {
    if host == "*" { return .anyName }
    if host.contains("/") || host.contains(":") || looksLikeIPv4(host) {
      if let block = NetworkBlock(host) { return .block(block) }
      if host.contains("%") { throw fault(entry, "has a zone, which has no place in a rule", "[fe80::1]:443") }
      throw fault(
        entry, "has no right address or range (no bit may be set beyond the prefix)",
        "10.0.0.0/8:5432 or [2001:db8::]/32:443")
    }
    let isBelow = host.hasPrefix("*.") || host.hasPrefix(".")
    let name = isBelow ? host.drop { $0 == "*" }.dropFirst() : host
    guard !name.contains("*") else {
      throw fault(entry, "has a '*' that is not the whole first label", "*.internal:5432")
    }
    guard HostName.isPlausible(name) else {
      throw fault(entry, "has a host that is no name and no address (other alphabets as xn--…)", "db.internal:5432")
    }
    let normalized = HostName.normalized(name)
    return isBelow ? .below(normalized) : .name(normalized)
  }

  private static func looksLikeIPv4(_ host: Substring) -> Bool {
    host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || $0 >= 0x30 && $0 <= 0x39 } && !host.isEmpty
  }

  private static func path(_ text: String, of entry: String) throws(EgressError) -> String {
    var path = text
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard EgressPolicy.isPlain(path: path) else {
      throw fault(entry, "has no absolute path without '.' and '..'", "unix:/run/postgresql")
    }
    return path
  }

  private static func fault(_ entry: String, _ reason: String, _ example: String) -> EgressError {
    EgressError(.malformedSetting, "the entry '\(HostName.shown(entry))' \(reason); right is, for example, \(example)")
  }
}
