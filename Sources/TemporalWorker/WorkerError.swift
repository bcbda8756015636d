/// Why a worker stopped on its own.
package enum WorkerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The namespace does not exist or may not be seen.
  case namespaceRefused(String, RPCFault)
  /// Polls were refused for longer than the patience allows, though not for the credentials: an unknown queue or namespace.
  case pollRefused(String, RPCFault)

  package var description: String {
    switch self {
    case .namespaceRefused(let namespace, let fault): "namespace '\(namespace)' cannot be used: \(fault)"
    case .pollRefused(let poller, let fault): "the scheduler refuses \(poller) polls: \(fault)"
    }
  }
}
