import CLinux
import Egress
import Foundation
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import Worker

/// The restriction itself, each time on a thread of its own: it cannot be undone, and the other threads keep their rights.
@Suite struct SelfRestrictionTests {
  /// Runs a body on a new thread and waits for what it found. A third thread does the waiting: the restricted one must not
  /// wake tasks, for threads that it made for the pool would be restricted too.
  static func onThread<Found: Sendable>(_ body: @escaping @Sendable () -> Found) async -> Found {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        let box = Box<Found>()
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
          let value = body()
          box.found.withLock { $0 = value }
          done.signal()
        }
        done.wait()
        if let value = box.found.withLock({ $0 }) { continuation.resume(returning: value) }
      }
    }
  }

  /// Holds what a thread found for another.
  private final class Box<Found: Sendable>: Sendable {
    let found = Mutex<Found?>(nil)
  }

  static func code(_ result: Int32) -> Int32 { result < 0 ? errno : 0 }

  static func folder() throws -> String {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("restriction-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url.path
  }

  static func put(_ text: String, _ path: String) throws {
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  @Test func aRestrictedThreadOpensOnlyItsPlaces() async throws {
    let root = try Self.folder()
    for name in ["in/a", "out/b", "area/c"] { try Self.put("x", root + "/" + name) }
    try FileManager.default.createSymbolicLink(atPath: root + "/in/link", withDestinationPath: root + "/out/b")
    let codes = await Self.onThread { () -> [String: Int32] in
      let reach = Reach(readable: [root + "/in"], writable: [root + "/area"], dialedPorts: nil, listenedPort: nil)
      let restriction = SelfRestriction(restrictingThisThreadTo: reach)
      var codes: [String: Int32] = [
        "files": restriction.restrictsFiles ? 0 : 1, "calls": restriction.filtersCalls ? 0 : 1,
      ]
      for name in ["in/a", "out/b", "area/c", "in/link"] {
        codes["read " + name] = Self.code(open(root + "/" + name, O_RDONLY))
      }
      for name in ["in/new", "out/new", "area/new"] {
        codes["make " + name] = Self.code(open(root + "/" + name, O_WRONLY | O_CREAT, 0o600))
      }
      codes["rename"] = Self.code(rename(root + "/area/new", root + "/area/newer"))
      codes["folder"] = Self.code(mkdir(root + "/area/sub", 0o700))
      codes["across"] = Self.code(rename(root + "/area/newer", root + "/area/sub/newest"))
      codes["remove"] = Self.code(unlink(root + "/area/sub/newest"))
      codes["append"] = Self.code(open(root + "/in/a", O_WRONLY))
      codes["null"] = Self.code(open("/dev/null", O_RDWR))
      codes["unshare"] = Int32(-sly_try_call(Int(SYS_unshare), 0, 0, 0, 0))
      return codes
    }
    let expected: [String: Int32] = [
      "files": 0, "calls": 0, "read in/a": 0, "read out/b": EACCES, "read area/c": 0, "read in/link": EACCES,
      "make in/new": EACCES, "make out/new": EACCES, "make area/new": 0, "rename": 0, "folder": 0, "across": 0,
      "remove": 0, "append": EACCES, "null": 0, "unshare": EPERM,
    ]
    #expect(codes == expected)
    #expect(FileManager.default.contents(atPath: root + "/out/b") != nil, "other threads keep their rights")
  }

  @Test func aRotatedFolderStaysInReach() async throws {
    let root = try Self.folder()
    let mount = root + "/certs"
    try Self.put("one", mount + "/..1/tls.crt")
    try FileManager.default.createSymbolicLink(atPath: mount + "/..data", withDestinationPath: "..1")
    try FileManager.default.createSymbolicLink(atPath: mount + "/tls.crt", withDestinationPath: "..data/tls.crt")
    let reach = Reach(reading: [mount + "/tls.crt"])
    let (go, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    // Renews as the kubelet does; made before anything is restricted.
    Thread.detachNewThread {
      go.wait()
      try? Self.put("two", mount + "/..2/tls.crt")
      try? FileManager.default.createSymbolicLink(atPath: mount + "/..data_tmp", withDestinationPath: "..2")
      rename(mount + "/..data_tmp", mount + "/..data")
      try? FileManager.default.removeItem(atPath: mount + "/..1")
      done.signal()
    }
    let text = await Self.onThread { () -> String? in
      _ = SelfRestriction(restrictingThisThreadTo: reach)
      guard (try? MountedFile.read(mount + "/tls.crt")) == Array("one".utf8) else { return "first" }
      go.signal()
      done.wait()
      return (try? MountedFile.read(mount + "/tls.crt")).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(text == "two")
  }

  @Test func onlyListedPortsAreDialedAndListenedOn() async throws {
    try #require(
      Landlock.Version.ofKernel.knowsPorts, "this kernel knows no rules for ports: run on Linux 6.7 or later")
    let open = try LoopbackListener()
    let closed = try LoopbackListener()
    let free = 1 + Int.random(in: 20_000...30_000)
    let ports = (Int(open.port), Int(closed.port))
    let codes = await Self.onThread { () -> [Int32] in
      let reach = Reach(readable: [], writable: [], dialedPorts: [ports.0], listenedPort: free)
      let restriction = SelfRestriction(restrictingThisThreadTo: reach)
      func attempt(_ port: Int, _ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        let descriptor = Glibc.socket(AF_INET, 1, 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafeBytes(of: &address) {
          Self.code(call(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count)))
        }
      }
      return [
        restriction.restrictsListening ? 0 : 1, attempt(ports.0, connect), attempt(ports.1, connect),
        attempt(free, bind),
        attempt(free + 1, bind),
      ]
    }
    #expect(codes == [0, 0, EACCES, 0, EACCES])
  }

  // MARK: What is in reach

  @Test func aHomeIsNotInReachForBeingAHome() throws {
    let fixture = try ConfigurationFixture()
    let home = try Self.folder()
    let environment = ProcessEnvironment(
      values: ["DBT_PROJECT_DIR": fixture.path("project"), "HOME": home, "HEALTH_FILE": home + "/state/health"])
    let reach = Reach(try Configuration(environment), environment)
    #expect(!reach.readable.contains { home.hasPrefix($0) }, "\(reach.readable)")
    #expect(reach.writable == ["/tmp"], "what lies below another folder needs no rule of its own")
    #expect(reach.readable.contains("/etc") && reach.readable.contains("/usr"))
    #expect(reach.readable.contains { fixture.path("project").hasPrefix($0) })
    #expect(reach.dialedPorts == nil && reach.listenedPort == nil)
  }

  @Test func aProfileTellsWhichFilesItNeeds() throws {
    let root = try Self.folder()
    try Self.put(
      """
      harbor:
        outputs:
          prod:
            password_file: /secrets/db/password
            sslrootcert: "{{ env_var('PG_CA') }}"
            sslkey: "{{ env_var( \\"PG_DIR\\" ) }}/key"
            schema: not/a/path
      """, root + "/profiles.yml")
    let environment = ProcessEnvironment(values: ["PG_CA": "/ca/root.crt", "PG_DIR": "/keys", "OTHER": "/other"])
    #expect(
      Set(Reach.files(namedIn: root + "/profiles.yml", environment)) == [
        "/secrets/db/password", "/ca/root.crt", "/keys",
      ])
    #expect(Reach.files(namedIn: root + "/none.yml", environment) == [])
  }

  @Test func onlyAListOfDestinationsLimitsThePorts() throws {
    #expect(EgressPolicy.open.tcpPorts == nil)
    #expect(
      try EgressPolicy(parsing: "a.example:443,10.0.0.0/8:5432-5434,unix:/run/x").tcpPorts == [443, 5432, 5433, 5434])
    #expect(try EgressPolicy(parsing: "a.example:443,b.example").tcpPorts == nil, "one with every port opens them all")
    #expect(try EgressPolicy(parsing: "a.example:1-600,b.example:601-1200").tcpPorts == nil)
  }

  @Test func foldersHoldFilesAndRootIsNeverInReach() throws {
    let root = try Self.folder()
    try Self.put("x", root + "/store/v1/tls.crt")
    try FileManager.default.createSymbolicLink(atPath: root + "/certs", withDestinationPath: root + "/store/v1")
    #expect(Reach(reading: [root + "/certs/tls.crt"]).readable == [root + "/store"], "so that the link may be turned")
    #expect(Reach(reading: [root + "/store/v1/tls.crt"]).readable == [root + "/store/v1"])
    #expect(Reach(reading: ["/", "/nowhere"]).readable == [])
    #expect(Reach(reading: ["/etc/hosts", "/etc"]).readable == ["/etc"])
  }
}
