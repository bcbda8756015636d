import DBTContext
import Secrets

/// A repository that is cloned with the `git` program, as dbt does.
///
/// Nothing of an address or a revision is taken for an option, git never asks anybody anything, and only the transports that
/// a package can come by are allowed.
///
/// Secrets in an address are kept out of git's arguments, which every user of the machine may read, and out of the clone's
/// configuration: git is given an address with the names of the variables, and told in its environment what that stands for.
struct GitRepository {
  /// The address, names of variables in place of secrets.
  private let address: String
  /// The address as messages may show it.
  let shownAddress: String
  let subdirectory: String?
  private let program: String
  private let environment: [String: String]
  private let scrubber: SecretScrubber

  /// - Parameters:
  ///   - secret: the address with the values of secret variables.
  ///   - environment: what git sees, and more.
  ///   - scrubber: takes secrets out of what git says.
  /// - Throws: a dependency error when there is no `git`, or an address or folder that cannot be meant.
  init(
    _ given: PackageAddress, _ secret: SharedSecret, subdirectory: String?, environment: [String: String],
    scrubber: SecretScrubber
  ) throws(ProjectError) {
    let shown = given.shown
    let address = given.named
    guard let program = ChildProcess.find("git", path: environment["PATH"]) else {
      throw ProjectError(
        .dependency,
        "Make sure git is installed on your machine: the package \(shown) comes from a git repository, and no program "
          + "'git' is in PATH. Without it, put the package beside the project and declare it as 'local:'.")
    }
    let isPlain = unsafe secret.withBytes { bytes in
      unsafe bytes.first != UInt8(ascii: "-") && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
    guard isPlain, !address.hasPrefix("-") else {
      throw ProjectError(.dependency, "\(shown) is no address of a git repository")
    }
    if let subdirectory {
      let parts = subdirectory.split(separator: "/", omittingEmptySubsequences: false)
      guard !subdirectory.hasPrefix("/"), !subdirectory.hasPrefix("-"), !parts.contains("..") else {
        throw ProjectError(.dependency, "The subdirectory '\(subdirectory)' of \(shown) is not inside of it")
      }
    }
    self.address = address
    shownAddress = shown
    self.subdirectory = subdirectory
    self.program = program
    var environment = environment
    environment["LC_ALL"] = "C"
    environment["GIT_TERMINAL_PROMPT"] = "0"
    environment["GIT_ASKPASS"] = environment["GIT_ASKPASS"] ?? "true"
    environment["SSH_ASKPASS"] = environment["SSH_ASKPASS"] ?? "true"
    environment["GIT_SSH_COMMAND"] = environment["GIT_SSH_COMMAND"] ?? "ssh -o BatchMode=yes"
    environment["GIT_ALLOW_PROTOCOL"] = environment["GIT_ALLOW_PROTOCOL"] ?? "file:git:http:https:ssh"
    if given.holdsSecrets {
      let count = environment["GIT_CONFIG_COUNT"].flatMap { Int($0) } ?? 0
      environment["GIT_CONFIG_COUNT"] = String(count + 1)
      environment["GIT_CONFIG_VALUE_\(count)"] = address
      environment["GIT_CONFIG_KEY_\(count)"] = unsafe secret.withBytes {
        unsafe "url.\(String(decoding: $0, as: UTF8.self)).insteadOf"
      }
    }
    self.environment = environment
    self.scrubber = scrubber
  }

  /// Clones into a folder that does not exist yet, checks a revision out and gives its commit.
  ///
  /// - Parameter revision: a commit, a tag or a branch; `HEAD` means the repository's default branch.
  /// - Throws: what dbt calls an internal error, with git's own words.
  func checkOut(_ revision: String, into folder: String) throws(ProjectError) -> String {
    guard !revision.hasPrefix("-"), !revision.isEmpty, !revision.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f })
    else { throw ProjectError(.dependency, "'\(revision)' is no revision of \(shownAddress)") }
    let sparse = subdirectory == nil ? [] : ["--filter=blob:none", "--sparse"]
    let parent = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
    try git(["clone", "--depth", "1"] + sparse + ["--", address, folder], in: parent, revision)
    if let subdirectory { try git(["sparse-checkout", "set", "--", subdirectory], in: folder, revision) }
    let fetch = ["fetch", "--no-write-fetch-head", "--depth", "1"]
    if Self.isCommit(revision) {
      try git(fetch + ["origin", revision], in: folder, revision)
      try git(["reset", "--hard", revision, "--"], in: folder, revision)
    } else {
      try git(["remote", "set-branches", "origin", revision], in: folder, revision)
      try git(fetch + ["--tags", "origin", revision], in: folder, revision)
      let tags = try git(["tag", "--list"], in: folder, revision).split(separator: "\n").map(String.init)
      let place = tags.contains(revision) ? "tags/\(revision)" : "origin/\(revision)"
      try git(["reset", "--hard", place, "--"], in: folder, revision)
    }
    return try git(["rev-parse", "HEAD"], in: folder, revision).trimmed
  }

  /// Whether an address is a folder of this machine. `host:path` is none.
  static func isLocal(_ address: String) -> Bool {
    ["/", "./", "../", "file:///"].contains(where: address.hasPrefix)
  }

  private static func isCommit(_ text: String) -> Bool {
    text.utf8.count == 40 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  @discardableResult
  private func git(_ arguments: [String], in folder: String, _ revision: String) throws(ProjectError) -> String {
    let outcome = try ChildProcess.run(program, arguments, in: folder, environment: environment)
    guard outcome.code == 0 else {
      let words = scrubber.scrub(outcome.errors.trimmed).replacing(address, with: shownAddress)
      throw ProjectError(.internalFailure, "Error checking out spec='\(revision)' for repo \(shownAddress)\n\(words)")
    }
    return outcome.output
  }
}
