import Foundation
import OrderedCollections
import PlainData
import TestSupport
import Testing

/// `sallyport doctor` against real peers: a Temporal server behind a gateway, and a PostgreSQL server.
private struct DoctorRig {
  let certificates: TestCertificates
  let server: TemporalServer
  let postgres: PostgresServer
  let folder: TemporaryFolder
  let database: String

  init() throws {
    certificates = try TestCertificates.shared()
    server = try TemporalServer.shared()
    postgres = try PostgresServer.shared()
    folder = try TemporaryFolder("sallyport-doctor")
    database = try postgres.makeDatabase("doctor")
    try folder.write("dbt_project.yml", "name: quay\nversion: '1.0'\nprofile: quay\nmodel-paths: [models]\n")
    try FileManager.default.createDirectory(atPath: folder.file("models"), withIntermediateDirectories: true)
    try folder.write("models/one.sql", "select 1 as id")
    try folder.write("models/two.sql", "select * from {{ ref('one') }}")
    try writeProfile()
  }

  func writeProfile(
    port: Int? = nil, user: String = PostgresServer.user, password: String = PostgresServer.password,
    database: String? = nil
  ) throws {
    try folder.write(
      "profiles.yml",
      """
      quay:
        target: dev
        outputs:
          dev: {type: postgres, host: 127.0.0.1, port: \(port ?? postgres.port), user: \(user), password: \(password),
            dbname: \(database ?? self.database), schema: harbour}

      """, mode: 0o600)
  }

  /// A certificate for localhost whose time is over; `x509 -req` cannot date one back, `ca` can.
  func expiredServer() throws -> TestCertificates.Pair {
    let authority = certificates.folder.path
    let script = """
      set -e
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout late.key -out late.csr -subj /CN=localhost
      : > late.index
      printf '%s\\n' '[ca]' 'default_ca=d' '[d]' 'database=late.index' 'rand_serial=yes' 'default_md=sha256' 'policy=p' \
        'x509_extensions=e' '[p]' 'commonName=supplied' '[e]' 'subjectAltName=DNS:localhost' > late.cnf
      openssl ca -batch -notext -config late.cnf -in late.csr -out late.crt -cert \(authority)/ca.crt \
        -keyfile \(authority)/ca.key -outdir . -startdate 20200101000000Z -enddate 20200201000000Z
      """
    try PeerProcess.run("/bin/bash", ["-c", script], folder: folder.path)
    return .files(certificate: folder.file("late.crt"), key: folder.file("late.key"))
  }

  func gateway(_ kind: Gateway.Kind) throws -> Gateway {
    try Gateway.start(kind, backend: server.port, certificates: certificates)
  }

  /// The environment of a worker with a client certificate.
  func environment(port: Int, _ more: [String: String] = [:]) -> [String: String] {
    [
      "TEMPORAL_ADDRESS": "localhost:\(port)", "TEMPORAL_TLS_CA": certificates.authority,
      "TEMPORAL_TLS_CERT": certificates.client.certificate, "TEMPORAL_TLS_KEY": certificates.client.key,
      "TEMPORAL_TASK_QUEUE": "doctor-\(port)", "DBT_PROJECT_DIR": folder.path, "SALLYPORT_MACROS": Self.macros,
    ].merging(more) { $1 }.filter { !$0.value.isEmpty }
  }

  /// dbt's macro packages: `SALLYPORT_MACROS`, else where `make setup` puts them.
  static var macros: String {
    let named = ProcessInfo.processInfo.environment["SALLYPORT_MACROS"] ?? ""
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return named.isEmpty ? root.appendingPathComponent(".cache/macros").path : named
  }

  /// Runs it for machines.
  func run(_ environment: [String: String]) throws -> Findings {
    let start = ContinuousClock.now
    let outcome = try Binary.run(["doctor", "--json"], environment: environment)
    #expect(start.duration(to: .now) < .seconds(120))
    return try Findings(
      status: outcome.status, json: PlainValue(jsonText: outcome.out), text: outcome.out + outcome.err)
  }
}

/// What a run found.
private struct Findings {
  let status: Int32
  let json: PlainValue
  let text: String

  func step(_ name: String) -> PlainValue? {
    json["steps"]?.arrayValue?.first { $0["name"]?.stringValue == name }
  }
  func status(_ name: String) -> String? { step(name)?["status"]?.stringValue }
  func reason(_ name: String) -> String { step(name)?["reason"]?.stringValue ?? "" }
  func advice(_ name: String) -> String { step(name)?["advice"]?.stringValue ?? "" }
  func seen(_ name: String) -> String {
    (step(name)?["seen"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: "\n")
  }
  var firstFailure: String? { json["first_failure"]?.stringValue }

  /// Whether the step is the first that fails, its advice names the fix, and what stands on it was not tried.
  func fails(first name: String, advising words: String..., skipping later: [String] = []) -> Bool {
    status == 1 && firstFailure == name && words.allSatisfy { advice(name).contains($0) }
      && later.allSatisfy { status($0) == "skipped" && reason($0) == "not tried because '\(name)' failed" }
  }
}

@Suite("sallyport doctor", .serialized) struct DoctorCommandTests {
  private let rig: DoctorRig

  init() throws { rig = try DoctorRig() }

  private static let afterTLS = ["alpn", "http2", "grpc", "authentication", "namespace", "task_queue"]

  @Test("A sound world, through nginx: every step is shown, in the shape promised to machines", .timeLimit(.minutes(3)))
  func soundWorld() throws {
    let gateway = try rig.gateway(.nginx)
    let found = try rig.run(rig.environment(port: gateway.port))
    #expect(found.status == 0 && found.firstFailure == nil, "\(found.text)")
    for name in ["configuration", "certificates", "dns", "tcp", "alpn", "http2", "grpc", "authentication", "namespace"]
    {
      #expect(found.status(name) != "failed" && found.status(name) != "skipped", "\(name)")
    }
    let tls = try #require(found.step("tls")?["facts"])
    #expect(tls["version"] == "TLSv1.3" && tls["asked_for_certificate"] == true)
    #expect(tls["acceptable_authorities"]?.arrayValue?.first?.stringValue == "CN = Sallyport example authority")
    let leaf = try #require(tls["chain"]?.arrayValue?.first)
    #expect(leaf["subject"] == "CN = localhost" && leaf["names"]?.arrayValue?.contains("DNS:localhost") == true)
    #expect(leaf["pin"]?.stringValue?.count == 51)
    #expect(found.step("http2")?["facts"]?["max_concurrent_streams"] == 128)
    #expect(found.step("grpc")?["facts"]?["server_version"]?.stringValue?.hasPrefix("1.") == true)
    #expect(found.step("namespace")?["facts"]?["state"] == "registered")
    #expect(found.status("task_queue") == "warning" && found.advice("task_queue").contains("start a worker"))
    #expect(found.seen("projects") == "quay: 2 nodes, 0 sources, target 'dev'")
    let warehouse = try #require(found.step("warehouse")?["facts"]?["warehouses"]?.arrayValue?.first)
    #expect(warehouse["may_create"] == true && warehouse["schema_exists"] == false && warehouse["tls"]?.isNull == true)
    #expect(found.seen("egress").contains("localhost:\(gateway.port), 127.0.0.1:\(rig.postgres.port)"))
    #expect(found.step("process")?["facts"]?["core_dumps"] == false)
    let keys: [String: [String]] = [
      "configuration": ["address", "namespace", "task_queue", "security"], "files": ["files"],
      "certificates": ["certificates", "authorities_of_system"], "dns": ["host", "addresses"], "tcp": ["addresses"],
      "tls": ["version", "cipher_suite", "group", "asked_for_certificate", "acceptable_authorities", "chain"],
      "alpn": ["protocol"], "grpc": ["server_version", "capabilities"], "authentication": ["security"],
      "namespace": ["namespace", "state", "retention_seconds"],
      "task_queue": ["task_queue", "workflow_pollers", "activity_pollers"], "projects": ["projects"],
      "warehouse": ["warehouses"], "egress": ["allowlist", "destinations"],
      "process": [
        "uid", "gid", "capabilities", "no_new_privs", "seccomp", "root_writable", "writable", "core_dumps",
        "memory_limit_bytes", "landlock_version", "self_restriction", "memlock_bytes",
      ],
    ]
    for (name, expected) in keys {
      #expect(found.step(name)?["facts"]?.objectValue.map { Array($0.keys) } == expected, "\(name)")
    }
    #expect(!found.text.contains(PostgresServer.password))
  }

  @Test("The text for people: one block a step, aligned, and a last line", .timeLimit(.minutes(3)))
  func textForPeople() throws {
    let gateway = try rig.gateway(.haproxy)
    let fine = try Binary.run(["doctor"], environment: rig.environment(port: gateway.port))
    #expect(fine.status == 0 && fine.err.isEmpty, "\(fine.out)\(fine.err)")
    #expect(fine.out.contains("\nok      alpn             h2 agreed on\n"))
    #expect(fine.out.contains("\nEverything works"))
    for line in fine.out.split(separator: "\n") where line.hasPrefix("ok ") || line.hasPrefix("warning ") {
      #expect(Array(line)[24] == " " && Array(line)[25] != " ", "\(line)")
    }
    let broken = try Binary.run(
      ["doctor"],
      environment: rig.environment(port: gateway.port, ["TEMPORAL_TLS_CA": rig.certificates.otherAuthority]))
    #expect(broken.status == 1)
    #expect(broken.out.contains("\nFAILED  tls "))
    let indent = String(repeating: " ", count: 25)
    #expect(broken.out.contains("\n\(indent)do:   put the authority that issued the server's certificate"))
    #expect(broken.out.contains("\n-       grpc             not tried because 'tls' failed\n"))
    #expect(broken.out.contains("\nBegin with 'tls': the server's certificate (CN = localhost"))
  }

  // MARK: The files of this side

  @Test("A file that is not there")
  func missingFile() throws {
    let found = try rig.run(rig.environment(port: 1, ["TEMPORAL_TLS_CERT": "/nowhere/tls.crt"]))
    #expect(found.fails(first: "configuration", advising: "TEMPORAL_TLS_CERT"), "\(found.text)")
    #expect(found.reason("configuration").contains("no file at '/nowhere/tls.crt'"))
    #expect(found.status("files") == "failed" && found.advice("files").contains("volume"))
    #expect(found.reason("files") == "TEMPORAL_TLS_CERT: there is no file at '/nowhere/tls.crt'")
    #expect(found.status("tcp") == "skipped" && found.reason("tcp").contains("'configuration' failed"))
  }

  @Test("A client certificate whose time is over, before anything is dialed")
  func expiredCertificate() throws {
    let pair = rig.certificates.expired
    let found = try rig.run(
      rig.environment(port: 1, ["TEMPORAL_TLS_CERT": pair.certificate, "TEMPORAL_TLS_KEY": pair.key]))
    #expect(found.fails(first: "certificates", advising: "renewed", "TEMPORAL_TLS_CERT", "clock"), "\(found.text)")
    #expect(found.reason("certificates").contains("expired on"))
  }

  @Test("A key that belongs to another certificate")
  func wrongKey() throws {
    let found = try rig.run(rig.environment(port: 1, ["TEMPORAL_TLS_KEY": rig.certificates.stranger.key]))
    #expect(found.fails(first: "certificates", advising: "issued together", "TEMPORAL_TLS_KEY"), "\(found.text)")
  }

  @Test("A wrong passphrase is not shown, and the file that holds it is named")
  func wrongPassphrase() throws {
    let passphrase = try rig.folder.write("passphrase", "canary-passphrase\n", mode: 0o600)
    let found = try rig.run(
      rig.environment(
        port: 1,
        ["TEMPORAL_TLS_KEY": rig.certificates.encryptedKey, "TEMPORAL_TLS_KEY_PASSPHRASE_FILE": passphrase]))
    #expect(found.fails(first: "certificates", advising: "TEMPORAL_TLS_KEY_PASSPHRASE_FILE"), "\(found.text)")
    #expect(!found.text.contains("canary"))
  }

  // MARK: The way

  @Test("A name without an address")
  func unknownName() throws {
    // A label of more than 63 characters is no name anywhere, so that no resolver is asked.
    let name = String(repeating: "x", count: 64) + ".invalid"
    let found = try rig.run(rig.environment(port: 1, ["TEMPORAL_ADDRESS": "\(name):7233"]))
    #expect(
      found.fails(first: "dns", advising: "TEMPORAL_ADDRESS", "DNS", skipping: ["tcp"]), "\(found.text)")
    #expect(found.reason("tls") == "not tried because 'dns' failed")
  }

  @Test("A port on which nobody listens")
  func refusedPort() throws {
    let found = try rig.run(rig.environment(port: try LoopbackPort.free()))
    #expect(
      found.fails(first: "tcp", advising: "nothing listens", "TEMPORAL_ADDRESS", skipping: ["tls"] + Self.afterTLS),
      "\(found.text)")
    #expect(found.reason("tcp").contains("Connection refused"))
  }

  @Test("A server of an authority that is not trusted", arguments: [Gateway.Kind.nginx, .haproxy])
  func wrongAuthority(_ kind: Gateway.Kind) throws {
    let gateway = try rig.gateway(kind)
    let found = try rig.run(
      rig.environment(port: gateway.port, ["TEMPORAL_TLS_CA": rig.certificates.otherAuthority]))
    #expect(found.fails(first: "tls", advising: "TEMPORAL_TLS_CA", skipping: Self.afterTLS), "\(found.text)")
  }

  @Test("A server whose certificate is for another name")
  func wrongName() throws {
    let gateway = try Gateway.start(
      .nginx, backend: rig.server.port, certificates: rig.certificates, server: rig.certificates.otherHost)
    let found = try rig.run(rig.environment(port: gateway.port))
    #expect(found.fails(first: "tls", advising: "TEMPORAL_TLS_SERVER_NAME", skipping: Self.afterTLS), "\(found.text)")
    #expect(found.reason("tls").contains("DNS:wrong.example"))
  }

  @Test("A server whose certificate has expired: the advice names the clock")
  func expiredServer() throws {
    let gateway = try Gateway.nginx(
      backend: rig.server.port, certificates: rig.certificates, server: try rig.expiredServer())
    let found = try rig.run(rig.environment(port: gateway.port))
    #expect(found.fails(first: "tls", advising: "renew", "clock", skipping: Self.afterTLS), "\(found.text)")
  }

  @Test("A TLS server without HTTP/2")
  func withoutHTTP2() throws {
    let gateway = try Gateway.nginx(backend: rig.server.port, certificates: rig.certificates, listen: "ssl")
    let found = try rig.run(rig.environment(port: gateway.port))
    #expect(
      found.fails(first: "alpn", advising: "http2", "TEMPORAL_ADDRESS", skipping: Array(Self.afterTLS.dropFirst())),
      "\(found.text)")
    #expect(found.status("tls") == "ok")
  }

  @Test("A port that does not speak TLS")
  func plaintextPeer() throws {
    let found = try rig.run(rig.environment(port: rig.server.port))
    #expect(found.fails(first: "tls", advising: "TEMPORAL_TLS=off", "TEMPORAL_ADDRESS"), "\(found.text)")
  }

  // MARK: Who we are

  @Test("A client certificate of a foreign authority, refused in the handshake (haproxy)")
  func foreignCertificate() throws {
    let gateway = try rig.gateway(.haproxy)
    let pair = rig.certificates.stranger
    let found = try rig.run(
      rig.environment(port: gateway.port, ["TEMPORAL_TLS_CERT": pair.certificate, "TEMPORAL_TLS_KEY": pair.key]))
    #expect(found.fails(first: "tls", advising: "TEMPORAL_TLS_CERT", "operator"), "\(found.text)")
  }

  @Test("No client certificate where one is demanded, refused by HTTP 400 (nginx)")
  func missingCertificate() throws {
    let gateway = try rig.gateway(.nginx)
    let found = try rig.run(
      rig.environment(port: gateway.port, ["TEMPORAL_TLS_CERT": "", "TEMPORAL_TLS_KEY": ""]))
    #expect(
      found.fails(first: "authentication", advising: "TEMPORAL_TLS_CERT", skipping: ["namespace", "task_queue"]),
      "\(found.text)")
  }

  @Test("A wrong API key: the step and the variable are named, the key is not")
  func wrongAPIKey() throws {
    let gateway = try Gateway.nginx(
      backend: rig.server.port, certificates: rig.certificates,
      location: #"if ($http_authorization != "Bearer the-right-key") { return 401; }"#)
    let key = try rig.folder.write("key", "canary-wrong-key\n", mode: 0o600)
    let wrong = try rig.run(rig.environment(port: gateway.port, ["TEMPORAL_API_KEY_FILE": key]))
    #expect(wrong.fails(first: "authentication", advising: "TEMPORAL_API_KEY_FILE"), "\(wrong.text)")
    #expect(!wrong.text.contains("canary"))
    try rig.folder.write("key", "the-right-key\n", mode: 0o600)
    let right = try rig.run(rig.environment(port: gateway.port, ["TEMPORAL_API_KEY_FILE": key]))
    #expect(right.status == 0 && right.seen("authentication") == "accepted (TLS, client certificate, API key)")
    #expect(!right.text.contains("the-right-key"))
  }

  @Test("A namespace that does not exist")
  func unknownNamespace() throws {
    let gateway = try rig.gateway(.nghttpx)
    let found = try rig.run(rig.environment(port: gateway.port, ["TEMPORAL_NAMESPACE": "nowhere"]))
    #expect(
      found.fails(first: "namespace", advising: "TEMPORAL_NAMESPACE", "'nowhere'", skipping: ["task_queue"]),
      "\(found.text)")
  }

  @Test("A gateway with nothing behind it")
  func deadBackend() throws {
    let gateway = try Gateway.start(
      .nginx, backend: try LoopbackPort.free(), certificates: rig.certificates)
    let found = try rig.run(rig.environment(port: gateway.port))
    #expect(found.fails(first: "grpc", advising: "what is behind it", skipping: ["authentication"]), "\(found.text)")
  }

  // MARK: The engine's side

  private var local: [String: String] {
    rig.environment(
      port: 0,
      [
        "TEMPORAL_ADDRESS": "127.0.0.1:\(rig.server.port)", "TEMPORAL_TLS_CA": "", "TEMPORAL_TLS_CERT": "",
        "TEMPORAL_TLS_KEY": "",
      ])
  }

  @Test("A database that is away")
  func warehouseDown() throws {
    try rig.writeProfile(port: try LoopbackPort.free(), password: "canary-password")
    let found = try rig.run(local)
    #expect(
      found.fails(first: "warehouse", advising: "start the database", "`host` and `port`", "'quay'"), "\(found.text)")
    #expect(found.reason("warehouse").contains("Connection refused"))
    #expect(!found.text.contains("canary"))
  }

  @Test("A wrong database password is not shown")
  func wrongPassword() throws {
    try rig.writeProfile(password: "canary-password")
    let found = try rig.run(local)
    #expect(found.fails(first: "warehouse", advising: "user and password"), "\(found.text)")
    #expect(!found.text.contains("canary"))
  }

  @Test("A user who may not create: the advice is the statement that grants it")
  func missingRight() throws {
    let user = "reader_\(UInt32.random(in: 0...UInt32.max))"
    try rig.postgres.psql("create user \(user) password 'only-for-tests'")
    try rig.writeProfile(user: user)
    let found = try rig.run(local)
    #expect(
      found.fails(first: "warehouse", advising: "grant create on database \"\(rig.database)\" to \"\(user)\""),
      "\(found.text)")
  }

  @Test("A project that cannot be loaded")
  func brokenProject() throws {
    try rig.folder.write("models/broken.sql", "select * from {{ ref('nowhere') }}")
    let found = try rig.run(local)
    #expect(found.fails(first: "projects", advising: "sallyport dbt parse", skipping: ["warehouse"]), "\(found.text)")
    #expect(found.reason("projects").contains("nowhere"))
  }
}
