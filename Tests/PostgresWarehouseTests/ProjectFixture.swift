import DBTContext
import DBTEngine
import Foundation
import OrderedCollections
import PlainData
import PostgresClient
import PostgresWarehouse
import Secrets
import Synchronization
import TestSupport

/// A project in a folder of its own with a database of its own on the shared server. Deleted at the end.
final class ProjectFixture: Sendable {
  let server: PostgresServer
  let database: String
  /// The project's folder.
  let folder: String
  let lines = Lines()

  /// What a run said.
  final class Lines: Sendable {
    private let kept = Mutex<[String]>([])
    func add(_ line: LogLine) { kept.withLock { $0.append(line.message) } }
    var text: String { kept.withLock { $0.joined(separator: "\n") } }
  }

  /// A project of the given files; `dbt_project.yml` and `profiles.yml` are added where they are missing.
  init(_ files: [String: String]) throws {
    server = try PostgresServer.shared()
    database = try server.makeDatabase("project")
    folder = NSTemporaryDirectory() + "sallyport-project-\(UUID().uuidString)"
    var files = files
    if files["dbt_project.yml"] == nil { files["dbt_project.yml"] = "name: shop\nprofile: shop\nversion: '1.0'\n" }
    files["profiles.yml"] = """
      shop: &profile
        target: dev
        outputs:
          dev: {type: postgres, host: 127.0.0.1, port: \(server.port), user: \(PostgresServer.user), dbname: \(database),
                schema: bench, threads: 3, password: "{{ env_var('DBT_ENV_SECRET_PASSWORD') }}"}
      workbench: *profile
      """
    for (path, text) in files {
      let url = URL(fileURLWithPath: "\(folder)/\(path)")
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: url, atomically: true, encoding: .utf8)
    }
  }

  /// A copy of a project below `Tests/Projects`.
  convenience init(copying name: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Projects/\(name)").path
    var files: [String: String] = [:]
    for path in FileManager.default.enumerator(atPath: root)?.compactMap({ $0 as? String }) ?? [] {
      if let text = try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8) { files[path] = text }
    }
    try self.init(files)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  var environment: [String: String] { ["DBT_ENV_SECRET_PASSWORD": PostgresServer.password] }

  /// Opens the project; files that runs write go below `target` in its folder.
  func open(_ settings: RunSettings = RunSettings(), secrets: [String: String] = [:]) throws -> Engine {
    let configured = ProcessInfo.processInfo.environment["SALLYPORT_MACROS"]
    var options = EngineOptions(
      projectDirectory: folder, macroFolder: try MacroPackages.find(configured: configured),
      environment: ProcessEnvironment(values: environment.merging(secrets) { _, new in new }))
    options.profilesDirectory = folder
    options.writesToProjectTarget = true
    return try Engine.open(options, settings: settings, warehouse: { PostgresWarehouse($0) })
  }

  /// Plans and runs a command as the command line does.
  func run(
    _ command: RunCommand, _ settings: RunSettings = RunSettings(), select: [String] = [],
    secrets: [String: String] = [:],
    cancellation: Cancellation = Cancellation()
  ) throws -> RunSummary {
    let engine = try open(settings, secrets: secrets)
    var request = RunRequest(command, settings: settings)
    request.select = select
    let plan = try engine.plan(request)
    let lines = lines
    let runner = LocalRunner(engine: engine, cancellation: cancellation) { lines.add($0) }
    let (summary, run) = try runner.run(request, plan: plan)
    try Artifacts(run).write(summary.results, elapsed: summary.elapsed)
    return summary
  }

  /// Runs the reference implementation on this project.
  func runReference(_ words: [String]) throws -> String {
    let environment = environment.merging(["DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_USE_COLORS": "false"]) { $1 }
    let (status, output) = try PeerProcess.capture(
      Self.virtualEnvironment + "/bin/dbt", words, environment: environment, folder: folder)
    guard status == 0 else { throw PeerError("dbt \(words.joined(separator: " ")) ended with \(status):\n\(output)") }
    return output
  }

  private static var virtualEnvironment: String {
    if let named = ProcessInfo.processInfo.environment["SALLYPORT_VENV"], !named.isEmpty { return named }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(".cache/venv").path
  }

  func connect() throws -> PostgresConnection {
    try PostgresConnection.connect(
      PostgresConfiguration(
        host: "127.0.0.1", port: server.port, user: PostgresServer.user,
        password: .secret(SharedSecret(copying: PostgresServer.password.utf8)), database: database))
  }

  /// Every relation as one text: kind, columns with types, comments, and rows without what depends on the time.
  func relations() throws -> [String: String] {
    let connection = try connect()
    let listed = try connection.query(
      """
      select n.nspname, c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod),
        coalesce(col_description(c.oid, a.attnum), ''), coalesce(obj_description(c.oid), ''), coalesce(c.relacl::text, '')
      from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
      where c.relkind in ('r', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and a.attnum > 0 and not a.attisdropped order by 1, 2, a.attnum
      """)
    var shapes: OrderedDictionary<String, String> = [:]
    var columns: [String: [String]] = [:]
    for row in listed.rows {
      let cells = row.map { if case .text(let text) = $0 { text } else { "\($0)" } }
      let name = "\"\(cells[0])\".\"\(cells[1])\""
      shapes[name, default: "\(cells[2]) \(cells[6]) \(cells[7])"] += "; \(cells[3]) \(cells[4]) \(cells[5])"
      let isVolatile = ["dbt_updated_at", "dbt_valid_from", "dbt_valid_to", "ended_at", "dbt_scd_id"].contains(cells[3])
      if !isVolatile { columns[name, default: []].append("\"\(cells[3])\"::text") }
    }
    var result: [String: String] = [:]
    for (name, shape) in shapes {
      let list = columns[name]?.joined(separator: ", ") ?? "1"
      let rows = try connection.query("select t::text from (select \(list) from \(name)) as t order by 1")
      result[name] = "\(shape)\n\(rows.rows.map { "\($0)" }.joined(separator: "\n"))"
    }
    return result
  }
}
