import DBTContext

/// What `deps` says about packages beside its results.
struct PackageNotices {
  private let invocation: Invocation
  private let say: (String) -> Void

  init(_ invocation: Invocation, _ say: @escaping (String) -> Void) {
    self.invocation = invocation
    self.say = say
  }

  /// A package of the index goes by another name now.
  func note(rename old: String, to new: String) throws(ProjectError) {
    let text =
      "The `\(old)` package is deprecated in favor of `\(new)`. Please update your `packages.yml` configuration to use "
      + "`\(new)` instead."
    try warn("PackageRedirectDeprecation", "Deprecated functionality\n" + Self.wrapped(text, width: 80))
  }

  /// What was written into a file holds the value of a secret, which is left out of the lock.
  func note(scrubbed location: String) throws(ProjectError) {
    try warn(
      "DepsScrubbedPackageName",
      "Detected secret env var in \(location). dbt will write a scrubbed representation to the lock file. This will cause "
        + "issues with subsequent 'dbt deps' using the lock file, requiring 'dbt deps --upgrade'")
  }

  /// A package was not fetched, since the network is out of reach.
  func note(delivered place: String, _ error: PackageDownloadError) {
    say("[WARNING]: \(place) stays as it was delivered, whatever version it has: \(error.message)")
  }

  private func warn(_ event: String, _ text: String) throws(ProjectError) {
    switch invocation.treatment(ofWarning: event) {
    case .silence: return
    case .warn: say("[WARNING]: \(text)")
    case .error: throw ProjectError(.compilation, text)
    }
  }

  /// The text with lines of at most so many characters, broken at blanks.
  private static func wrapped(_ text: String, width: Int) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return (lines + [line]).joined(separator: "\n")
  }
}
