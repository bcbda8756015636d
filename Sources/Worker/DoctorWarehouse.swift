import DBTContext
import DBTEngine
import DBTProject
import Egress
import OAuthClient
import Observability
import OrderedCollections
import PlainData
import PostgresWarehouse
import Secrets
import Synchronization

/// The database of one project's profile.
struct DoctorWarehouse: Sendable {
  /// The project.
  let project: String
  /// The target of its profile.
  let target: TargetProfile

  /// How texts name the target, such as `the profile 'harbor', target 'prod'`.
  var profileText: String { "the profile '\(target.profileName)', target '\(target.targetName)'" }
  /// Such as `db.internal:5432`.
  var address: String { "\(target.host):\(target.port)" }
}

/// The projects and their databases, and where all of it leads.
extension LiveDoctorProbes {
  // MARK: Projects

  func lookAtProjects() async -> DoctorReport.Finding {
    guard let configuration = memory.withLock({ $0.configuration }) else { return .withoutConfiguration }
    return await blocking { [self] in
      do {
        let quiet = logger
        let catalog = try ProjectCatalog(configuration.projects, environment: environment, logger: quiet)
        return parse(catalog)
      } catch {
        return DoctorReport.Finding(
          .failed, reason: "\(error)",
          advice: "look at DBT_PROJECT_DIR, DBT_PROJECT_DIRS or DBT_PROJECTS_DIR, and at SALLYPORT_MACROS")
      }
    }
  }

  private func parse(_ catalog: ProjectCatalog) -> DoctorReport.Finding {
    var seen: [String] = []
    var facts: [PlainValue] = []
    var fault: (project: String, text: String)?
    for project in catalog.all {
      do {
        let engine = try catalog.engine(project, RunRequest(.build), target: nil)
        let (nodes, sources) = (engine.project.manifest.nodes.count, engine.project.manifest.sources.count)
        let target = engine.project.profile
        memory.withLock { $0.warehouses.append(DoctorWarehouse(project: project.name, target: target)) }
        seen.append("\(project.name): \(nodes) nodes, \(sources) sources, target '\(target.targetName)'")
        facts.append(
          [
            "project": .string(project.name), "directory": .string(project.directory), "nodes": .int(nodes),
            "sources": .int(sources), "target": .string(target.targetName),
          ])
      } catch {
        if fault == nil { fault = (project.name, "\(error)") }
        seen.append("\(project.name): cannot be loaded")
        facts.append(
          [
            "project": .string(project.name), "directory": .string(project.directory), "error": .string("\(error)"),
          ])
      }
    }
    return DoctorReport.Finding(
      fault == nil ? .ok : .failed, seen: seen, facts: ["projects": .array(facts)],
      reason: fault.map { "\($0.project): \($0.text)" },
      advice: fault.map {
        "mend the project; `sallyport dbt parse --project-dir …` shows the same in full (\($0.project))"
      })
  }

  // MARK: Warehouses

  func lookAtWarehouses() async -> DoctorReport.Finding {
    let warehouses = memory.withLock { $0.warehouses }
    guard !warehouses.isEmpty else {
      return DoctorReport.Finding(.skipped, reason: "not tried because no project could be loaded")
    }
    let egress = memory.withLock { $0.scheduler }?.network.egress ?? .open
    return await blocking {
      let findings = warehouses.map { Self.inspect($0, egress) }
      let worst = findings.first { $0.status == .failed } ?? findings.first { $0.status == .warning }
      return DoctorReport.Finding(
        worst?.status ?? .ok, seen: findings.flatMap(\.seen),
        facts: ["warehouses": .array(findings.map { .object($0.facts) })], reason: worst?.reason, advice: worst?.advice)
    }
  }

  private static func inspect(_ warehouse: DoctorWarehouse, _ egress: EgressPolicy) -> DoctorReport.Finding {
    var target = warehouse.target
    target.connectTimeout = min(target.connectTimeout, 8)
    if let password = target.password { Redactor.process.register(password) }
    var facts: PlainObject = [
      "project": .string(warehouse.project), "address": .string(warehouse.address),
      "database": .string(target.database), "schema": .string(target.schema),
    ]
    do throws(WarehouseError) {
      let seen = try PostgresWarehouse(target, egress: egress).inspect(schema: target.schema, Cancellation())
      facts["server_version"] = .string(seen.serverVersion)
      facts["user"] = .string(seen.currentUser)
      facts["schema_exists"] = .bool(seen.hasSchema)
      facts["may_create"] = .bool(seen.mayCreate)
      facts["tls"] = seen.tlsVersion.map { .string($0) } ?? .null
      return finding(warehouse, seen, facts)
    } catch {
      let first = error.message.split(separator: "\n").map(String.init).first ?? "no answer"
      return DoctorReport.Finding(
        .failed, seen: ["\(warehouse.project): \(warehouse.address), no session"], facts: facts,
        reason: "\(warehouse.project): \(first)",
        advice: DoctorAdvice.text(
          forWarehouse: error.message, sqlState: error.sqlState, profile: warehouse.profileText))
    }
  }

  private static func finding(
    _ warehouse: DoctorWarehouse, _ seen: WarehouseInspection, _ facts: PlainObject
  ) -> DoctorReport.Finding {
    let schema = warehouse.target.schema
    let line =
      "\(warehouse.project): PostgreSQL \(seen.serverVersion) at \(warehouse.address), database \(seen.database), user "
      + "\(seen.currentUser), schema \(schema) \(seen.hasSchema ? "exists" : "does not exist yet"), "
      + (seen.tlsVersion ?? "not encrypted")
    guard seen.mayCreate else {
      let grant =
        seen.hasSchema
        ? "grant create, usage on schema \"\(schema)\" to \"\(seen.currentUser)\""
        : "grant create on database \"\(seen.database)\" to \"\(seen.currentUser)\""
      return DoctorReport.Finding(
        .failed, seen: [line], facts: facts,
        reason: "\(warehouse.project): user \(seen.currentUser) may not create in schema \(schema)",
        advice: "as the owner: \(grant)")
    }
    return DoctorReport.Finding(.ok, seen: [line], facts: facts)
  }

  // MARK: Egress

  /// Whether every destination known by now passes the allowlist, by name; addresses are checked when they are dialed.
  func lookAtEgress(_ scheduler: SchedulerConfiguration) -> DoctorReport.Finding {
    let policy = scheduler.network.egress
    let verdicts = destinations(scheduler).map { ($0.text, Self.refusal(of: $0, policy)) }
    let facts: PlainObject = [
      "allowlist": .bool(!policy.isOpen),
      "destinations": .array(verdicts.map { ["destination": .string($0.0), "admitted": .bool($0.1 == nil)] }),
    ]
    guard !policy.isOpen else {
      return DoctorReport.Finding(
        .ok,
        seen: [
          "dialed from here: \(verdicts.map(\.0).joined(separator: ", "))",
          "SALLYPORT_EGRESS_ALLOW is not set: what the network admits may be dialed",
        ], facts: facts)
    }
    let seen = verdicts.map { $0.1 == nil ? "\($0.0): admitted" : "\($0.0): refused" }
    guard let refusal = verdicts.compactMap(\.1).first else {
      return DoctorReport.Finding(.ok, seen: seen, facts: facts)
    }
    return DoctorReport.Finding(
      .failed, seen: seen, facts: facts, reason: refusal, advice: "add the rule that is named to SALLYPORT_EGRESS_ALLOW"
    )
  }

  /// A host and port, or a unix socket, that this process dials.
  private struct Destination {
    let text: String
    let host: String
    let port: Int
    /// Whether a proxy dials it for us.
    var isThroughProxy = false
  }

  private func destinations(_ scheduler: SchedulerConfiguration) -> [Destination] {
    var found: [Destination] = []
    func add(_ host: String, _ port: Int, mayUseProxy: Bool) {
      let proxy = mayUseProxy ? scheduler.network.proxy?.proxy(forHost: host, port: port) : nil
      if let proxy { found.append(Destination(text: "\(proxy)", host: proxy.host, port: proxy.port)) }
      let text = host.hasPrefix("/") ? host : "\(host):\(port)"
      found.append(Destination(text: text, host: host, port: port, isThroughProxy: proxy != nil))
    }
    for address in [scheduler.address] + scheduler.alternatives {
      add(address.socketPath ?? address.host, address.port, mayUseProxy: address.socketPath == nil)
    }
    if let url = scheduler.oauth?.url { add(url.host, url.port, mayUseProxy: true) }
    for warehouse in memory.withLock({ $0.warehouses }) {
      for host in warehouse.target.host.split(separator: ",") {
        add(String(host), warehouse.target.port, mayUseProxy: false)
      }
    }
    var known: Set<String> = []
    return found.filter { known.insert($0.text).inserted }
  }

  private static func refusal(of destination: Destination, _ policy: EgressPolicy) -> String? {
    do throws(EgressError) {
      if destination.host.hasPrefix("/") {
        try policy.check(socket: destination.host)
      } else if destination.isThroughProxy {
        try policy.check(tunnelTo: destination.host, port: destination.port)
      } else {
        try policy.check(name: destination.host, port: destination.port)
      }
      return nil
    } catch {
      return error.message
    }
  }
}
