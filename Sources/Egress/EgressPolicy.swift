/// Which destinations may be dialed: the list in `SALLYPORT_EGRESS_ALLOW`, or everything when that is unset.
///
/// A name is checked before it is resolved and each of its addresses after, so that neither a name that nobody listed is
/// asked for, nor a listed name that has come to lead elsewhere (DNS rebinding) is followed:
/// - a rule for a name admits its addresses, but never loopback, link-local, metadata, multicast or unspecified ones;
/// - a rule for an address or a range admits these, whatever name led there;
/// - `localhost` listed by name may lead to this machine.
///
/// A pure value: whoever dials asks `check(name:port:)`, resolves, asks `check(address:port:for:)` for every address and
/// dials only those that pass.
package struct EgressPolicy: Sendable, Hashable {
  /// The variable that holds the rules, for messages.
  package static let variable = "SALLYPORT_EGRESS_ALLOW"

  /// Everything may be dialed.
  package static let open = EgressPolicy(rules: nil)

  /// The most rules.
  package static let ruleLimit = 1_000

  /// Nil: everything passes.
  private let rules: [EgressRule]?

  private init(rules: [EgressRule]?) { self.rules = rules }

  /// Reads rules between commas; spaces around them and empty entries do not count.
  ///
  /// - Throws: `EgressError.malformedSetting`, naming the first entry that cannot be read.
  package init(parsing text: String) throws(EgressError) {
    var rules: [EgressRule] = []
    for entry in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      guard rules.count < Self.ruleLimit else {
        throw EgressError(.malformedSetting, "there are more than \(Self.ruleLimit) entries: list ranges instead")
      }
      rules.append(try EgressRule(String(entry)))
    }
    guard !rules.isEmpty else {
      throw EgressError(.malformedSetting, "there is no entry in it; right is, for example, scheduler.example:7233")
    }
    self.init(rules: rules)
  }

  /// Whether everything may be dialed, because no list was given.
  package var isOpen: Bool { rules == nil }

  /// The TCP ports that rules admit; nil when every port may be dialed, or more than a thousand of them.
  package var tcpPorts: Set<Int>? {
    guard let rules else { return nil }
    var ports: Set<Int> = []
    for rule in rules {
      if case .socket = rule.destination { continue }
      guard rule.ports.count <= Self.portLimit else { return nil }
      ports.formUnion(rule.ports)
      guard ports.count <= Self.portLimit else { return nil }
    }
    return ports
  }

  private static let portLimit = 1_000

  /// Whether a host, name or literal, can pass at all on a port; its addresses are checked after resolution.
  ///
  /// A name that no rule lists passes this check when there are rules for addresses on the port: its addresses decide.
  ///
  /// - Throws: `EgressError` with the rule that is missing.
  package func check(name: String, port: Int) throws(EgressError) {
    guard let rules else { return }
    if let address = NetworkAddress(name) { return try check(address: address, port: port, for: name) }
    let normalized = HostName.normalized(name)
    let isListed = rules.contains {
      $0.admits(name: normalized, port: port) || $0.listsAddresses(port: port)
    }
    guard !isListed else { return }
    throw Self.refusal(of: name, port)
  }

  /// Whether one address of a host may be dialed on a port.
  ///
  /// - Parameter name: the name or literal that led to the address.
  /// - Throws: `EgressError` with the rule that is missing.
  package func check(address: NetworkAddress, port: Int, for name: String) throws(EgressError) {
    guard let rules, !rules.contains(where: { $0.admits(address: address, port: port) }) else { return }
    let rule = "'\(address.bracketed):\(port)'"
    guard NetworkAddress(name) == nil else {
      throw EgressError(
        .addressNotAllowed, "no rule admits \(address.bracketed):\(port): add \(rule) to \(Self.variable)")
    }
    let normalized = HostName.normalized(name)
    guard rules.contains(where: { $0.admits(name: normalized, port: port) }) else {
      throw EgressError(
        .addressNotAllowed,
        "'\(HostName.shown(name))' leads to \(address), and no rule admits the name or the address on port \(port): "
          + "add '\(HostName.shown(normalized)):\(port)' or \(rule) to \(Self.variable)")
    }
    guard let special = address.special else { return }
    if special == .loopback, rules.contains(where: { $0.admitsLoopback(name: normalized, port: port) }) { return }
    throw EgressError(
      .addressNotAllowed,
      "'\(HostName.shown(name))' leads to \(address), \(special.rawValue), where a rule for a name does not lead: "
        + "look at its DNS record; if this is meant, add \(rule) to \(Self.variable)")
  }

  /// Whether a proxy may be asked for a host on a port. The proxy resolves the name, so that only a rule for the name
  /// (or, for a literal, for the address) counts.
  ///
  /// - Throws: `EgressError` with the rule that is missing.
  package func check(tunnelTo name: String, port: Int) throws(EgressError) {
    guard let rules else { return }
    if let address = NetworkAddress(name) { return try check(address: address, port: port, for: name) }
    let normalized = HostName.normalized(name)
    guard !rules.contains(where: { $0.admits(name: normalized, port: port) }) else { return }
    throw Self.refusal(of: name, port)
  }

  /// Whether a unix socket may be opened, by a rule `unix:` with its path or the path of a folder above it.
  ///
  /// - Throws: `EgressError` with the rule that is missing.
  package func check(socket path: String) throws(EgressError) {
    guard let rules else { return }
    // Abstract sockets and paths that climb up match no rule.
    if Self.isPlain(path: path), rules.contains(where: { $0.admits(socket: path) }) { return }
    throw EgressError(
      .socketNotAllowed,
      "no rule admits the unix socket '\(HostName.shown(path))': add 'unix:\(HostName.shown(path))' to \(Self.variable)"
    )
  }

  /// Whether a path is absolute and says what it means: no empty, `.` or `..` part.
  static func isPlain(path: String) -> Bool {
    guard path.hasPrefix("/"), !path.utf8.contains(0) else { return false }
    return path == "/"
      || !path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).contains {
        $0.isEmpty || $0 == "." || $0 == ".."
      }
  }

  private static func refusal(of name: String, _ port: Int) -> EgressError {
    EgressError(
      .nameNotAllowed,
      "no rule admits '\(HostName.shown(name))' on port \(port): "
        + "add '\(HostName.shown(HostName.normalized(name))):\(port)' to \(variable)")
  }
}
