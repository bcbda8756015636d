internal import Egress

/// The order in which names are resolved and addresses tried: a pure machine without socket, clock or resolver.
///
/// Names are taken in the order given. The addresses of one, families taking turns, are tried with a stagger; the first
/// connection wins (RFC 8305 in its simple form). A later name is looked at when all before it has failed or stays silent.
/// Every address is put to the policy before it is tried; what is not admitted is never dialed.
struct DialRace {
  /// What the owner is to do.
  enum Action: Equatable {
    /// Resolve the name with this index and report to `resolved`.
    case resolve(Int)
    /// Connect to the address, for the name with this index; report to `failed`, or cancel the race on success.
    case connect(SocketAddress, name: Int)
    /// Call `staggerElapsed` after the stagger; an earlier timer counts no more.
    case setStagger
    /// No stagger is due any more.
    case cancelStagger
    /// Nothing is left to try.
    case finish(EventLoopError)
  }

  private enum Candidate {
    case name(Int)
    case address(SocketAddress, name: Int)
  }

  /// A host and a port, as configured.
  typealias Name = (host: String, port: Int)

  /// The names, in order of preference.
  let names: [Name]
  private let policy: EgressPolicy
  private let isLoopbackOnly: Bool
  private var waiting: [Candidate]
  private var resolving: Set<Int> = []
  private var connecting: [SocketAddress] = []
  private var failures: [EventLoopError] = []

  /// Prepares a race for at least one name.
  ///
  /// - Parameter isLoopbackOnly: no address but this machine's own is tried.
  init(_ names: [Name], policy: EgressPolicy, isLoopbackOnly: Bool) {
    self.names = names
    self.policy = policy
    self.isLoopbackOnly = isLoopbackOnly
    waiting = names.indices.map { .name($0) }
  }

  /// Begins.
  mutating func start() -> [Action] { next() }

  /// A name was resolved, or was not.
  mutating func resolved(_ index: Int, _ result: Result<[SocketAddress], EventLoopError>) -> [Action] {
    guard resolving.remove(index) != nil else { return [] }
    switch result {
    case .failure(let error): failures.append(error)
    case .success(let addresses):
      let admitted = addresses.filter { isAdmitted($0, name: index) }
      waiting.insert(contentsOf: SocketAddress.interleaved(admitted).map { .address($0, name: index) }, at: 0)
    }
    // While an address of another name is being tried, its stagger says when the next turn comes.
    return connecting.isEmpty ? next() : [.setStagger]
  }

  /// An attempt to connect has failed.
  mutating func failed(_ address: SocketAddress, _ reason: String) -> [Action] {
    if let index = connecting.firstIndex(of: address) { connecting.remove(at: index) }
    failures.append(EventLoopError(.connectFailed, "\(address): \(reason)"))
    return next()
  }

  /// The pause is over, and no address has answered yet.
  mutating func staggerElapsed() -> [Action] { next() }

  /// What is known when the time has run out.
  func timedOut(seconds: Int64) -> EventLoopError {
    let silent = connecting.map { "\($0): no answer within \(seconds) s" }
    let unresolved = resolving.sorted().map { "the name '\(names[$0].host)' was not resolved within \(seconds) s" }
    return EventLoopError(.connectTimedOut, (failures.map(\.message) + silent + unresolved).joined(separator: "; "))
  }

  // MARK: The order

  private mutating func next() -> [Action] {
    guard !waiting.isEmpty else {
      guard resolving.isEmpty && connecting.isEmpty else { return [.cancelStagger] }
      return [.cancelStagger, .finish(summary)]
    }
    let candidate = waiting.removeFirst()
    let pause: Action = waiting.isEmpty ? .cancelStagger : .setStagger
    switch candidate {
    case .address(let address, let name):
      connecting.append(address)
      return [pause, .connect(address, name: name)]
    case .name(let index):
      do throws(EgressError) {
        try policy.check(name: names[index].host, port: names[index].port)
      } catch {
        failures.append(EventLoopError(refusal: error))
        return next()
      }
      resolving.insert(index)
      return [pause, .resolve(index)]
    }
  }

  private mutating func isAdmitted(_ address: SocketAddress, name index: Int) -> Bool {
    let name = names[index]
    if isLoopbackOnly && !address.isLoopback {
      failures.append(
        EventLoopError(
          .connectFailed,
          "'\(name.host)' resolves to \(address), but only this machine may be dialed in plaintext"))
      return false
    }
    guard let network = address.network else { return policy.isOpen }
    do throws(EgressError) {
      try policy.check(address: network, port: address.port, for: name.host)
      return true
    } catch {
      failures.append(EventLoopError(refusal: error))
      return false
    }
  }

  /// One error for all that was tried. The policy's refusals count as the reason only when nothing else was tried.
  private var summary: EventLoopError {
    guard failures.count != 1 else { return failures[0] }
    let text = failures.map(\.message).joined(separator: "; ")
    let codes = Set(failures.map(\.code))
    if codes.count == 1, let code = codes.first {
      return EventLoopError(
        code, text, isTransient: failures.contains(where: \.isTransient), reason: failures.first?.reason)
    }
    return EventLoopError(codes.contains(.connectFailed) ? .connectFailed : .nameNotResolved, text)
  }
}
