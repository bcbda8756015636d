import DBTContext
import Synchronization

/// What `deps` says about packages beside its results.
struct PackageNotices {
  private let invocation: Invocation
  private let say: (String) -> Void

  init(_ invocation: Invocation, _ say: @escaping (String) -> Void) {
    self.invocation = invocation
    self.say = say
  }

  /// Lines that an invocation logged.
  private final class Lines: Sendable {
    private let texts = Mutex<[String]>([])

    func add(_ text: String) { texts.withLock { $0.append(text) } }

    var all: [String] { texts.withLock { $0 } }
  }

  /// A package of the index goes by another name now.
  ///
  /// - Throws: a compilation error where the notice counts as one.
  func note(rename old: String, to new: String) throws(ProjectError) {
    let lines = Lines()
    var listening = invocation
    listening.sink = { lines.add($0.message) }
    do throws(DBTError) {
      try listening.deprecate(
        "PackageRedirectDeprecation",
        "The `\(old)` package is deprecated in favor of `\(new)`. Please update your `packages.yml` configuration to use "
          + "`\(new)` instead.")
    } catch {
      throw ProjectError(.compilation, error.message)
    }
    for line in lines.all { say(line) }
  }

  /// What was written into a file holds the value of a secret, which is left out of the lock.
  func note(scrubbed location: String) throws(ProjectError) {
    let text =
      "Detected secret env var in \(location). dbt will write a scrubbed representation to the lock file. This will cause "
      + "issues with subsequent 'dbt deps' using the lock file, requiring 'dbt deps --upgrade'"
    switch invocation.treatment(ofWarning: "DepsScrubbedPackageName") {
    case .silence: return
    case .warn: say("[WARNING]: \(text)")
    case .error: throw ProjectError(.compilation, text)
    }
  }

  /// A package was not fetched, since the network is out of reach.
  func note(delivered place: String, _ error: PackageDownloadError) {
    say("[WARNING]: \(place) stays as it was delivered, whatever version it has: \(error.message)")
  }
}
