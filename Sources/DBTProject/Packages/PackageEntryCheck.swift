import OrderedCollections
import PlainData

/// What dbt asks of an entry of `packages.yml`.
enum PackageEntryCheck {
  /// What is wrong with an entry, where dbt has words of its own for it.
  static func fault(_ entry: PlainObject) -> String? {
    for (key, kind) in [("package", "hub"), ("local", "local"), ("git", "git")] where entry[key] == "" {
      return "A \(kind) package is missing the value. It is a required property."
    }
    guard let package = entry["package"]?.stringValue else { return nil }
    guard entry["version"]?.isTruthy ?? false else {
      return
        "\(package) is missing the version. When installing from the Hub package index, version is a required property"
    }
    guard package.contains("/") else {
      return "\(package) was not found in the package index. Packages on the index require a namespace, e.g "
        + "dbt-labs/dbt_utils"
    }
    return nil
  }

  /// Whether an entry has the keys of a package of that kind and no others, with values of the right types.
  static func isEntry(_ entry: PlainObject, of origin: PackageDeclaration.Origin) -> Bool {
    let keys: Set<String> =
      switch origin {
      case .local: ["local"]
      case .package: ["package", "version", "install_prerelease", "install-prerelease"]
      case .git: ["git", "revision", "warn-unpinned", "warn_unpinned", "subdirectory"]
      case .tarball: ["tarball"]
      case .private: ["private", "provider", "revision", "warn-unpinned", "warn_unpinned", "subdirectory"]
      }
    guard Set(entry.keys).subtracting(["name", "unrendered"]).isSubset(of: keys) else { return false }
    if origin == .tarball, entry["name"]?.stringValue == nil { return false }
    return entry.allSatisfy { isValue($0.value, of: $0.key) }
  }

  private static func isValue(_ value: PlainValue, of key: String) -> Bool {
    if key == "version" { return (value.arrayValue ?? [value]).allSatisfy(isVersion) }
    if ["local", "package", "git", "tarball", "private"].contains(key) { return value.stringValue != nil }
    if value.isNull { return true }
    switch key {
    case "name", "subdirectory", "provider": return value.stringValue != nil
    case "revision": return isVersion(value)
    case "unrendered": return true
    default: return value.boolValue != nil
    }
  }

  private static func isVersion(_ value: PlainValue) -> Bool {
    value.stringValue != nil || (value.doubleValue != nil && value.boolValue == nil)
  }
}
