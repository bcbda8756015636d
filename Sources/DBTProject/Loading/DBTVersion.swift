/// A version of dbt, and what packages require of it.
struct DBTVersion: Comparable {
  private let numbers: [Int]
  private let isPrerelease: Bool

  /// Reads `1.12.6`, `1.12.0rc1` or `1.12`; nil for anything else.
  init?(_ text: String) {
    var numbers: [Int] = []
    var isPrerelease = false
    for part in text.split(separator: ".", omittingEmptySubsequences: false) {
      let digits = part.prefix { $0.isASCII && $0.isNumber }
      guard let number = Int(digits) else { return nil }
      numbers.append(number)
      isPrerelease = isPrerelease || digits.count < part.count
    }
    guard (1...4).contains(numbers.count) else { return nil }
    while numbers.count < 3 { numbers.append(0) }
    self.numbers = numbers
    self.isPrerelease = isPrerelease
  }

  static func < (left: DBTVersion, right: DBTVersion) -> Bool {
    if left.numbers != right.numbers { return left.numbers.lexicographicallyPrecedes(right.numbers) }
    return left.isPrerelease && !right.isPrerelease
  }

  /// - Throws: a runtime error when the package does not work with the version whose behaviour is kept.
  static func check(_ package: ProjectConfig, installed: String) throws(ProjectError) {
    guard let version = DBTVersion(installed) else { return }
    for requirement in package.requiredVersions where !requirement.isEmpty {
      guard let isMet = isMet(requirement, by: version) else {
        throw ProjectError(
          .runtime, "\"\(requirement)\" is not a valid semantic version.", path: "dbt_project.yml")
      }
      guard !isMet else { continue }
      throw ProjectError(
        .runtime,
        "This version of dbt is not supported with the '\(package.name)' package.\n  Installed version of dbt: "
          + "=\(installed)\n"
          + "  Required version of dbt for '\(package.name)': \(package.requiredVersions)\nCheck for a different "
          + "version of the "
          + "'\(package.name)' package, or run dbt again with --no-version-check")
    }
  }

  private static func isMet(_ requirement: String, by version: DBTVersion) -> Bool? {
    let sign = requirement.prefix { "<>=!".contains($0) }
    guard let bound = DBTVersion(String(requirement.dropFirst(sign.count)).trimmed) else { return nil }
    switch sign {
    case ">=": return version >= bound
    case ">": return version > bound
    case "<=": return version <= bound
    case "<": return version < bound
    case "!=": return version != bound
    case "=", "==", "": return version == bound
    default: return nil
    }
  }
}
