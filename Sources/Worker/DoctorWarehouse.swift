import DBTContext
import DBTEngine
import DBTProject
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
    return await blocking {
      let findings = warehouses.map { Self.inspect($0) }
      let worst = findings.first { $0.status == .failed } ?? findings.first { $0.status == .warning }
      return DoctorReport.Finding(
        worst?.status ?? .ok, seen: findings.flatMap(\.seen),
        facts: ["warehouses": .array(findings.map { .object($0.facts) })], reason: worst?.reason, advice: worst?.advice)
    }
  }

  private static func inspect(_ warehouse: DoctorWarehouse) -> DoctorReport.Finding {
    var target = warehouse.target
    target.connectTimeout = min(target.connectTimeout, 8)
    if let password = target.password { Redactor.process.register(password) }
    var facts: PlainObject = [
      "project": .string(warehouse.project), "address": .string(warehouse.address),
      "database": .string(target.database), "schema": .string(target.schema),
    ]
    do throws(WarehouseError) {
      let seen = try PostgresWarehouse(target).inspect(schema: target.schema, Cancellation())
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

  /// Every destination known by now. Without an allowlist in the process the network's own policy decides.
  func lookAtEgress(_ scheduler: SchedulerConfiguration) -> DoctorReport.Finding {
    let warehouses = memory.withLock { $0.warehouses }
    var destinations: OrderedSet<String> = [scheduler.address.description]
    for warehouse in warehouses { destinations.append(warehouse.address) }
    return DoctorReport.Finding(
      .ok,
      seen: [
        "dialed from here: \(destinations.joined(separator: ", "))",
        "no allowlist in the process: what the network admits may be dialed",
      ],
      facts: ["allowlist": .null, "destinations": .array(destinations.map { .string($0) })])
  }
}
