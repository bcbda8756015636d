import DBTContext
import Foundation
import PlainData
import Secrets
import TestSupport
import Testing

@testable import DBTProject

/// `deps` with packages of real repositories on this disk.
@Suite struct GitPackageTests {
  /// A repository with two packages, one of them in a folder, on a branch and a tag.
  private final class Repository {
    let folder: String
    private(set) var first = ""

    init(link: String? = nil) throws {
      folder = NSTemporaryDirectory() + "sallyport-repository-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: folder + "/inner/macros", withIntermediateDirectories: true)
      try git("init", "--quiet", "--initial-branch", "trunk", ".")
      try write("dbt_project.yml", "name: tools\nversion: '1.0'\n")
      try write("inner/dbt_project.yml", "name: inner\nversion: '1.0'\n")
      if let link { try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: link) }
      first = try commit("one")
      try git("tag", "v1")
      try write("dbt_project.yml", "name: tools\nversion: '2.0'\n")
      _ = try commit("two")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var address: String { "file://" + folder }

    func commit(_ message: String) throws -> String {
      try git("add", "--all")
      try git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", message)
      return try git("rev-parse", "HEAD").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func write(_ name: String, _ text: String) throws {
      try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
    }

    @discardableResult
    func git(_ words: String...) throws -> String {
      let program = try #require(ChildProcess.find("git", path: ProcessInfo.processInfo.environment["PATH"]))
      let done = try ChildProcess.run(program, words, in: folder, environment: ProcessInfo.processInfo.environment)
      #expect(done.code == 0, "\(done.errors)")
      return done.output
    }
  }

  /// What `deps` said, or how it failed.
  private func deps(_ project: ProjectFixture, environment: [String: String]? = nil) throws -> String {
    var lines: [String] = []
    let invocation = Invocation(
      environment: ProcessEnvironment(values: environment ?? ProcessInfo.processInfo.environment), invocationID: "0",
      startedAt: try #require(PythonDateTime(unixSeconds: 0)), sink: { _ in })
    do {
      try PackageInstaller(root: project.folder, invocation: invocation, say: { lines.append($0) })
        .run(locksOnly: false, upgrades: false)
    } catch {
      lines.append("\(error)")
    }
    return lines.joined(separator: "\n")
  }

  /// An address that leads to the network is refused before git is started, one of this machine is not.
  @Test(arguments: [
    "https://packages.example/p.git", "ssh://git@packages.example/p", "git@packages.example:p.git",
    "packages.example:p",
    "ext::sh -c true", "file://packages.example/p",
  ])
  func anEgressListShutsOutWhatGitWouldDial(address: String) throws {
    let project = try ProjectFixture(["packages.yml": "packages: [{git: '\(address)', revision: v1}]"])
    let invocation = Invocation(
      environment: ProcessEnvironment(values: [:]), invocationID: "0",
      startedAt: try #require(PythonDateTime(unixSeconds: 0)), sink: { _ in })
    do {
      try PackageInstaller(root: project.folder, invocation: invocation, mayDial: false, say: { _ in })
        .run(locksOnly: false, upgrades: false)
      Issue.record("no error")
    } catch {
      #expect("\(error)".contains("deps would fetch \(address) with the program 'git'"))
    }
    #expect(GitRepository.isLocal(project.folder))
  }

  private func text(_ project: ProjectFixture, _ name: String) -> String? {
    try? String(contentsOfFile: project.folder + "/" + name, encoding: .utf8)
  }

  /// The lock that dbt writes for the same project.
  private func lockOfDBT(_ project: ProjectFixture) throws -> String {
    let script = """
      import json, os, shutil, sys
      folder = json.load(sys.stdin)
      os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
      from dbt.cli.main import dbtRunner
      out = os.dup(1)
      os.dup2(2, 1)
      result = dbtRunner().invoke(["deps", "--project-dir", folder, "--profiles-dir", folder, "--log-path", folder + "/logs"])
      sys.stdout.flush()
      os.dup2(out, 1)
      if not result.success:
        sys.exit("dbt deps failed: %s" % result.exception)
      sys.stdout.write(open(folder + "/package-lock.yml").read())
      shutil.rmtree(folder + "/dbt_packages")
      os.remove(folder + "/package-lock.yml")
      """
    return try PythonPeer.run(script, input: PlainValue.string(project.folder).json())
  }

  @Test func installsWhatDBTLocks() throws {
    let repository = try Repository()
    let project = try ProjectFixture([
      "packages.yml": """
      packages:
        - git: "\(repository.address)"
          revision: v1
        - git: "\(repository.address)"
          subdirectory: inner
          revision: \(repository.first)
      """
    ])
    let lock = try lockOfDBT(project)
    let said = try deps(project)
    #expect(text(project, "package-lock.yml") == lock)
    #expect(said.contains("Installed from revision \(repository.first)\nInstalling \(repository.address)/inner"))
    #expect(said.hasSuffix("and subdirectory inner"))
    #expect(text(project, "dbt_packages/tools/dbt_project.yml")?.contains("1.0") == true)
    #expect(text(project, "dbt_packages/inner/dbt_project.yml") != nil)
    // The lock counts, whatever the tag means by now, and nothing is left of the clones.
    try repository.git("tag", "--force", "v1", "trunk")
    _ = try deps(project)
    #expect(text(project, "dbt_packages/tools/dbt_project.yml")?.contains("1.0") == true)
    let names = try FileManager.default.contentsOfDirectory(atPath: project.folder + "/dbt_packages")
    #expect(names.sorted() == ["inner", "tools"])
  }

  @Test func takesWhatWasDelivered() throws {
    let project = try ProjectFixture([
      "packages.yml": "packages: [{git: 'https://example.invalid/some-tools.git', revision: v1}]",
      "dbt_packages/some_tools/dbt_project.yml": "name: some_tools\nversion: '0.1'\n",
    ])
    for _ in 1...2 { #expect(try deps(project, environment: ["PATH": "/nowhere"]).hasSuffix("as it was delivered")) }
    #expect(text(project, "package-lock.yml")?.contains("revision: v1") == true)
  }

  @Test func warnsOfWhatIsNotPinned() throws {
    let repository = try Repository()
    let project = try ProjectFixture(["packages.yml": "packages: [{git: '\(repository.address)'}]"])
    let said = try deps(project)
    #expect(said.contains("is not pinned, using HEAD (default branch)"))
    #expect(text(project, "dbt_packages/tools/dbt_project.yml")?.contains("2.0") == true)
    let quiet = try ProjectFixture(
      ["packages.yml": "packages: [{git: '\(repository.address)', warn-unpinned: false}]"])
    #expect(try !deps(quiet).contains("not pinned"))
  }

  @Test func refusesWhatCannotBeMeant() throws {
    let repository = try Repository(link: "../../../etc/passwd")
    func fault(_ entry: String, environment: [String: String]? = nil) throws -> String {
      try deps(try ProjectFixture(["packages.yml": "packages: [\(entry)]"]), environment: environment)
    }
    let address = repository.address
    #expect(
      try fault("{git: '\(address)', revision: v1}").contains("The link 'link' of the package leads nowhere inside"))
    #expect(try fault("{git: '\(address)', revision: '--upload-pack=x'}").contains("is no revision of"))
    #expect(try fault("{git: '--upload-pack=x', revision: v1}").contains("is no address of a git repository"))
    #expect(try fault("{git: '\(address)', revision: v1, subdirectory: '../x'}").contains("is not inside of it"))
    #expect(try fault("{git: 'ext::sh -c true', revision: v1}").contains("transport 'ext' not allowed"))
    let missing = try fault("{git: '\(address)', revision: v9}")
    #expect(
      missing.hasPrefix("Internal Error\n  Error checking out spec='v9' for repo \(address)\n  fatal: "), "\(missing)")
    let none = try fault("{git: '\(address)', revision: v1}", environment: ["PATH": "/nowhere"])
    #expect(none.contains("no program 'git' is in PATH"))
    let other = try Repository()
    let plain = other.address
    let two = try fault("{git: '\(plain)', revision: v1}, {git: '\(plain).git', revision: v2}")
    #expect(two.contains("git dependencies should contain exactly one version"))
  }
}
