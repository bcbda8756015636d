import Foundation
import PlainData
import TestSupport
import Testing

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// A worker started as users start it, on a scheduler of its own, with a project that needs no database.
private struct WorkerRig {
  let server: TemporalServer
  let folder: TemporaryFolder
  let healthPort: Int
  var healthFile: String { folder.file("health") }

  /// dbt's macro packages: `SALLYPORT_MACROS`, else where `make setup` puts them.
  static var macros: String {
    let named = ProcessInfo.processInfo.environment["SALLYPORT_MACROS"] ?? ""
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return named.isEmpty ? root.appendingPathComponent(".cache/macros").path : named
  }

  init() throws {
    server = try TemporalServer.shared()
    folder = try TemporaryFolder()
    healthPort = try LoopbackPort.free()
    try folder.write("dbt_project.yml", "name: quay\nversion: '1.0'\nprofile: quay\nmodel-paths: [models]\n")
    try folder.write(
      "profiles.yml",
      """
      quay:
        target: dev
        outputs:
          dev: {type: postgres, host: 127.0.0.1, port: 1, user: nobody, password: canary-password, dbname: none, schema: s}
      """)
    try FileManager.default.createDirectory(atPath: folder.file("models"), withIntermediateDirectories: true)
    try folder.write("models/one.sql", "select 1 as id")
  }

  func environment(_ more: [String: String] = [:]) -> [String: String] {
    [
      "TEMPORAL_ADDRESS": "127.0.0.1:\(server.port)", "TEMPORAL_TASK_QUEUE": "quay-\(healthPort)",
      "DBT_PROJECT_DIR": folder.path, "SALLYPORT_MACROS": Self.macros, "HEALTH_PORT": "\(healthPort)",
      "SALLYPORT_HEALTH_HOST": "127.0.0.1", "HEALTH_FILE": healthFile, "LOG_LEVEL": "debug",
    ].merging(more) { $1 }
  }

  func start(_ more: [String: String] = [:]) throws -> BackgroundPeer {
    try BackgroundPeer(Binary.path, ["worker"], folder: folder.path, environment: environment(more))
  }

  /// Waits until the worker says that it is healthy.
  func waitUntilHealthy(_ worker: BackgroundPeer) throws {
    for _ in 0..<600 {
      if try healthcheck().status == 0 { return }
      guard worker.isRunning else { break }
      usleep(50_000)
    }
    throw PeerError("the worker did not become healthy:\n\(worker.log)")
  }

  func healthcheck() throws -> Binary.Outcome { try Binary.run(["healthcheck", "--file", healthFile]) }

  /// Status and body of a health path; nil when nothing listens.
  func health(_ path: String) async -> (status: Int, body: String)? {
    guard let url = URL(string: "http://127.0.0.1:\(healthPort)\(path)"),
      let (data, response) = try? await URLSession.shared.data(from: url),
      let answer = response as? HTTPURLResponse
    else { return nil }
    return (answer.statusCode, String(decoding: data, as: UTF8.self))
  }
}

@Suite(.serialized) struct WorkerCommandTests {
  @Test func aWrongConfigurationEndsTheStartWithAllFaults() throws {
    let outcome = try Binary.run(
      ["worker"], environment: ["HEALTH_PORT": "many", "TEMPORAL_TLS_CERT": "/none", "DBT_PROJECT_DIR": "/none"])
    #expect(outcome.status == 1)
    for name in ["HEALTH_PORT", "TEMPORAL_TLS_CERT", "TEMPORAL_TLS_KEY", "DBT_PROJECT_DIR"] {
      #expect(outcome.err.contains(name + ": "))
    }
    let json = try Binary.run([], environment: ["HEALTH_PORT": "many", "LOG_FORMAT": "json"])
    #expect(json.status == 1)
    let line = try PlainValue(jsonText: json.err)
    #expect(line["level"] == "critical" && line["message"]?.stringValue?.contains("HEALTH_PORT") == true)
  }

  @Test(.timeLimit(.minutes(2))) func aWorkerIsHealthyUntilItIsStopped() async throws {
    let rig = try WorkerRig()
    let worker = try rig.start()
    try rig.waitUntilHealthy(worker)
    for path in ["/", "/livez", "/readyz", "/healthz"] { #expect(await rig.health(path)?.status == 200) }
    let metrics = await rig.health("/metrics")?.body ?? ""
    #expect(metrics.contains("sallyport_ready 1.0") && metrics.contains("sallyport_polls_total{poller=\"workflow\"}"))
    worker.signal(SIGTERM)
    #expect(worker.waitForEnd() == 0)
    #expect(worker.log.contains("stopping"))
    #expect(try rig.healthcheck().status == 1)
    #expect(!FileManager.default.fileExists(atPath: rig.healthFile))
  }

  @Test(.timeLimit(.minutes(2))) func runsAreSubmittedFollowedAndReported() throws {
    let rig = try WorkerRig()
    let worker = try rig.start()
    try rig.waitUntilHealthy(worker)
    let listed = try Binary.run(["submit", "list"], environment: rig.environment())
    #expect(listed.status == 0)
    #expect(listed.out.contains("Planned 1 node of quay") && listed.out.contains("Succeeded. PASS=1"))
    let nothing = try Binary.run(["submit", "run", "--select", "nowhere"], environment: rig.environment())
    #expect(nothing.status == 1)
    #expect(nothing.out.contains("no nodes found for command 'run' with select 'nowhere'"))
    let elsewhere = try Binary.run(["submit", "run", "--project", "other"], environment: rig.environment())
    #expect(elsewhere.status == 1 && elsewhere.out.contains("project not found: 'other'; this worker has: quay"))
    // The database is not there: the failure names it, and the password stands nowhere.
    let failed = try Binary.run(
      ["submit", "run", "--workflow-id", "quay-\(rig.healthPort)", "--detach"], environment: rig.environment())
    #expect(failed.status == 0 && failed.out == "quay-\(rig.healthPort)\n")
    let taken = try Binary.run(
      ["submit", "run", "--workflow-id", "quay-\(rig.healthPort)"], environment: rig.environment())
    #expect(taken.status == 2 && taken.err.contains("is going on already"))
    worker.signal(SIGTERM)
    #expect(worker.waitForEnd() == 0)
    #expect(!worker.log.contains("canary"))
  }

  @Test(.timeLimit(.minutes(2))) func theFirstInterruptCancelsTheRunAndTheSecondLeavesIt() throws {
    // No worker polls the queue, so that the run cannot end.
    let rig = try WorkerRig()
    let client = try BackgroundPeer(
      Binary.path, ["submit", "run"], folder: rig.folder.path, environment: rig.environment())
    func waitFor(_ text: String) {
      for _ in 0..<400 where !client.log.contains(text) { usleep(50_000) }
      #expect(client.log.contains(text))
    }
    waitFor("No worker polls task queue 'quay-\(rig.healthPort)'")
    client.signal(SIGINT)
    waitFor("The run was asked to cancel")
    #expect(client.isRunning)
    client.signal(SIGINT)
    #expect(client.waitForEnd() == 130)
    #expect(client.log.contains("to itself"))
  }

  @Test(.timeLimit(.minutes(2))) func aSchedulerThatIsAwayIsWaitedForAndToldOf() async throws {
    let rig = try WorkerRig()
    let worker = try rig.start(["TEMPORAL_ADDRESS": "127.0.0.1:\(try LoopbackPort.free())"])
    for _ in 0..<200 where !worker.log.contains("not reachable") { usleep(50_000) }
    #expect(worker.isRunning)
    #expect(await rig.health("/livez")?.status == 200)
    #expect(await rig.health("/readyz")?.status == 503)
    #expect(await rig.health("/healthz")?.body.contains("not connected") == true)
    #expect(try rig.healthcheck().status == 1)
    worker.signal(SIGINT)
    #expect(worker.waitForEnd() == 0)
  }

  @Test(.timeLimit(.minutes(2))) func aNamespaceThatDoesNotExistEndsTheWorker() throws {
    let rig = try WorkerRig()
    let worker = try rig.start(["TEMPORAL_NAMESPACE": "nowhere"])
    #expect(worker.waitForEnd() == 1)
    #expect(worker.log.contains("namespace 'nowhere' cannot be used") && worker.log.contains("TEMPORAL_NAMESPACE"))
  }

  @Test(.timeLimit(.minutes(2))) func anUnreachableSchedulerFailsASubmission() throws {
    let port = try LoopbackPort.free()
    let outcome = try Binary.run(
      ["submit", "build"],
      environment: ["TEMPORAL_ADDRESS": "127.0.0.1:\(port)", "TEMPORAL_API_KEY": "canary-key", "TEMPORAL_TLS": "off"])
    #expect(outcome.status == 2)
    #expect(outcome.err.contains("cannot start the run") && outcome.err.contains("TEMPORAL_ADDRESS"))
    #expect(!outcome.err.contains("canary") && !outcome.out.contains("canary"))
  }
}
