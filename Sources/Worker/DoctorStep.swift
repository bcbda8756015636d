/// The things that `sallyport doctor` looks at, in order: each stands on some of those before it.
package enum DoctorStep: String, Sendable, Hashable, CaseIterable {
  case configuration
  case files
  case certificates
  case dns
  case proxy
  case tcp
  case tls
  case alpn
  case http2
  case grpc
  case authentication
  case namespace
  case taskQueue = "task_queue"
  case projects
  case warehouse
  case egress
  case process

  /// What it is, in a few words.
  package var title: String {
    switch self {
    case .configuration: "environment variables"
    case .files: "mounted files: there, regular, readable by the right people"
    case .certificates: "client certificate and authorities: usable, and for how long"
    case .dns: "the scheduler's name"
    case .proxy: "the proxy on the way"
    case .tcp: "each address of the scheduler"
    case .tls: "who the scheduler is, and whether it asks who we are"
    case .alpn: "agreement on HTTP/2"
    case .http2: "what the scheduler's side announces"
    case .grpc: "the scheduler's version and abilities"
    case .authentication: "whether the scheduler accepts this client"
    case .namespace: "the namespace"
    case .taskQueue: "the task queue and who polls it"
    case .projects: "the dbt projects"
    case .warehouse: "the databases of the projects' profiles"
    case .egress: "destinations and the allowlist"
    case .process: "how this process is confined"
    }
  }

  /// The steps that must not have failed or been skipped for want of another.
  package var needs: [DoctorStep] {
    switch self {
    case .configuration, .files, .process, .dns, .certificates, .proxy, .projects, .egress: []
    case .tcp: [.dns]
    case .tls: [.certificates, .proxy, .tcp]
    case .alpn: [.tls]
    case .http2: [.alpn]
    case .grpc: [.http2]
    case .authentication: [.grpc]
    case .namespace: [.authentication]
    case .taskQueue: [.namespace]
    case .warehouse: [.projects]
    }
  }

  /// The longest time it may take.
  package var limit: Duration {
    switch self {
    case .configuration, .files, .process, .alpn, .egress: .seconds(5)
    case .certificates, .dns, .proxy, .tcp, .grpc, .authentication, .namespace, .taskQueue: .seconds(6)
    case .tls, .http2: .seconds(8)
    case .projects, .warehouse: .seconds(20)
    }
  }
}
