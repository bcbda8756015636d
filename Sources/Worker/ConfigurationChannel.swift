package import EventLoop
package import GRPCClient
import Glibc
import HTTP2Client
package import Logging
package import OAuthClient
import Secrets
package import TemporalClient

extension SchedulerConfiguration {
  /// The channel's configuration for this scheduler.
  package var channel: ChannelConfiguration {
    var channel = ChannelConfiguration(host: address.host, port: address.port, tls: tls)
    // The reader has refused plaintext to other machines unless TEMPORAL_TLS=off asks for it.
    channel.allowPlaintext = tls == nil
    channel.alternatives = alternatives.map { ($0.host, $0.port) }
    channel.socketPath = address.socketPath
    channel.proxy = network.proxy
    channel.egress = network.egress
    channel.userAgent = Version.identity
    channel.probePath = "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo"
    channel.authority = authority
    channel.connectionLimit = network.connectionLimit
    channel.http2Limits.capWindows(
      stream: network.largestStreamWindow, connection: network.largestConnectionWindow)
    switch apiKey {
    case .value(let key): channel.apiKey = key
    case .file(let file): channel.apiKeyFile = file.path
    case nil: break
    }
    return channel
  }

  /// A channel to the scheduler and the typed calls on it. The channel connects with the first call.
  ///
  /// - Parameter tokens: where bearer tokens come from, for a caller that wants to watch it; nil makes one where OAuth is
  ///   configured.
  package func connect(
    on loop: EventLoop, identity: String, logger: Logger, tokens: OAuthTokenSource? = nil
  ) -> (channel: GRPCChannel, service: WorkflowService) {
    var configuration = channel
    configuration.authorization = tokens ?? tokenSource(on: loop, logger: logger)
    let channel = GRPCChannel(configuration: configuration, loop: loop, logger: logger)
    let service = WorkflowService(
      caller: channel, namespace: namespace, identity: identity, clientVersion: Version.text)
    return (channel, service)
  }
}

/// Who this process says it is.
package enum ProcessIdentity {
  /// `PID@HOST`, as Temporal's own clients have it; the role stands before it.
  package static func text(role: String) -> String {
    var name = [CChar](repeating: 0, count: 256)
    _ = unsafe gethostname(&name, name.count - 1)
    let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return "\(role)@\(getpid())@\(host.isEmpty ? "unknown" : host)"
  }
}
