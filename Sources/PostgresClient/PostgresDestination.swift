import CLinux
import Egress
import Glibc
import Metrics

/// Where libpq is to connect, once the egress policy has been asked.
///
/// libpq resolves names by itself, after any check of ours. Under a policy the names are therefore resolved here, each
/// address is checked, and libpq is given exactly those that passed (`hostaddr`); the name stays beside it (`host`) for the
/// check of the server's certificate and for the password file. Without a policy libpq does as it always does.
struct PostgresDestination {
  /// Finds the addresses of a name as numbers, blocking; a failure is a sentence.
  typealias Resolver = (_ host: String, _ port: Int) -> Result<[String], PostgresError>

  /// The most addresses given to libpq.
  static let addressLimit = 32

  /// The parameters `host`, `hostaddr` and `port`, as libpq wants them: lists of the same length between commas.
  let parameters: [(name: String, value: String)]

  /// Asks the policy for every host of a list between commas, before and after resolution.
  ///
  /// - Parameters:
  ///   - resolver: the system's, unless a test has another.
  ///   - variable: reads the environment, in which libpq looks for what it is not told.
  /// - Throws: `PostgresError.configuration` with the rule that is missing, `.connection` when no name has an address.
  init(
    hosts: String, port: Int, policy: EgressPolicy, resolver: Resolver = PostgresDestination.lookUp,
    variable: (String) -> String? = PostgresDestination.variable
  ) throws(PostgresError) {
    guard !policy.isOpen else {
      parameters = [("host", hosts), ("port", String(port))]
      return
    }
    var entries: [(host: String, address: String)] = []
    var failures: [PostgresError] = []
    for host in hosts.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      do throws(PostgresError) {
        if host.hasPrefix("/") || host.hasPrefix("@") {
          entries.append((try Self.admitted(socketFolder: host, port, policy, variable), ""))
        } else {
          entries += try Self.admitted(host, port, policy, resolver, &failures)
        }
      } catch {
        failures.append(error)
      }
    }
    guard !entries.isEmpty else {
      let isRefusal = failures.contains { $0.kind == .configuration }
      throw PostgresError(
        isRefusal ? .configuration : .connection, failures.map(\.message).joined(separator: "; "))
    }
    let dialed = entries.prefix(Self.addressLimit)
    parameters = [
      ("host", dialed.map(\.host).joined(separator: ",")), ("hostaddr", dialed.map(\.address).joined(separator: ",")),
      ("port", String(port)),
    ]
  }

  /// What of one host may be dialed; addresses that may not are noted in `failures`.
  private static func admitted(
    _ host: String, _ port: Int, _ policy: EgressPolicy, _ resolver: Resolver, _ failures: inout [PostgresError]
  ) throws(PostgresError) -> [(host: String, address: String)] {
    // Left to itself, libpq takes the place of nothing from PGHOST or the folder it was built with.
    guard !host.isEmpty else {
      throw PostgresError(.configuration, "no host is named, and \(EgressPolicy.variable) is set: name the host")
    }
    try ask { () throws(EgressError) in try policy.check(name: host, port: port) }
    var entries: [(host: String, address: String)] = []
    for text in try resolver(host, port).get() {
      guard let address = NetworkAddress(text) else { continue }
      do throws(PostgresError) {
        try ask { () throws(EgressError) in try policy.check(address: address, port: port, for: host) }
        entries.append((host, text))
      } catch {
        failures.append(error)
      }
    }
    return entries
  }

  /// The folder of a unix socket, or the name of an abstract one, if the socket may be opened.
  private static func admitted(
    socketFolder folder: String, _ port: Int, _ policy: EgressPolicy, _ variable: (String) -> String?
  ) throws(PostgresError) -> String {
    try ask { () throws(EgressError) in try policy.check(socket: "\(folder)/.s.PGSQL.\(port)") }
    guard variable("PGHOSTADDR") == nil else {
      throw PostgresError(
        .configuration,
        "PGHOSTADDR would be dialed instead of the unix socket in '\(folder)', unchecked by \(EgressPolicy.variable): "
          + "unset PGHOSTADDR")
    }
    return folder
  }

  private static func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

  private static func ask(_ check: () throws(EgressError) -> Void) throws(PostgresError) {
    do throws(EgressError) {
      try check()
    } catch {
      let reason =
        switch error.code {
        case .addressNotAllowed: "address"
        case .socketNotAllowed: "socket"
        default: "name"
        }
      Counter(label: "sallyport_dials_refused_total", dimensions: [("reason", reason)]).increment()
      throw PostgresError(.configuration, error.message)
    }
  }

  /// Asks the system's resolver, in its order of preference.
  private static func lookUp(host: String, port: Int) -> Result<[String], PostgresError> {
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = 1  // SOCK_STREAM, an enum on Linux
    var list: UnsafeMutablePointer<addrinfo>?
    let status = unsafe getaddrinfo(host, String(port), &hints, &list)
    guard status == 0 else {
      let reason = unsafe String(cString: gai_strerror(status))
      return .failure(PostgresError(.connection, "could not translate host name \"\(host)\" to address: \(reason)"))
    }
    defer { unsafe freeaddrinfo(list) }
    var found: [String] = []
    var next = unsafe list
    while let entry = unsafe next {
      if let text = unsafe numbers(of: entry.pointee), !found.contains(text) { found.append(text) }
      unsafe next = entry.pointee.ai_next
    }
    return .success(found)
  }

  private static func numbers(of entry: addrinfo) -> String? {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status = unsafe getnameinfo(
      entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
    guard status == 0 else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
