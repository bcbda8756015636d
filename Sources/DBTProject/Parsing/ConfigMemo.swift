import OrderedCollections
import PlainData

/// Builds configurations and keeps what it built, since most resources of a folder are configured alike.
///
/// Resources with equal configuration share one value in memory. One thread uses it.
final class ConfigMemo {
  /// Everything that a configuration depends on.
  private struct Question: Hashable {
    let type: ResourceType
    let package: String
    /// The part of the resource's fqn that the project files have levels for.
    let level: [String]
    let calls: PlainObject
    let patch: PlainObject
    /// Whether it is finished and checked; nil for one before rendering.
    let isChecked: Bool?
  }

  /// Answers kept at most; beyond that they are forgotten together.
  private static let limit = 4_096

  private let builder: ConfigBuilder
  private var known: [Question: PlainObject] = [:]

  init(_ builder: ConfigBuilder) { self.builder = builder }

  /// See `ConfigBuilder.build`.
  func build(
    _ type: ResourceType, uniqueID: String? = nil, fqn: [String], package: String, calls: PlainObject = [:],
    patch: PlainObject = [:], isChecked: Bool = true
  ) throws(ProjectError) -> PlainObject {
    let level = builder.level(type, fqn: fqn, package: package)
    let question = Question(
      type: type, package: package, level: level, calls: calls, patch: patch, isChecked: isChecked)
    if let config = known[question] { return config }
    let config = try builder.build(
      type, uniqueID: uniqueID, fqn: fqn, package: package, calls: calls, patch: patch, isChecked: isChecked)
    keep(config, question)
    return config
  }

  /// See `ConfigBuilder.unrendered`.
  func unrendered(
    _ type: ResourceType, fqn: [String], package: String, calls: PlainObject = [:], patch: PlainObject = [:]
  ) -> PlainObject {
    let level = builder.level(type, fqn: fqn, package: package)
    let question = Question(type: type, package: package, level: level, calls: calls, patch: patch, isChecked: nil)
    if let config = known[question] { return config }
    let config = builder.unrendered(type, fqn: fqn, package: package, calls: calls, patch: patch)
    keep(config, question)
    return config
  }

  private func keep(_ config: PlainObject, _ question: Question) {
    if known.count >= ConfigMemo.limit { known.removeAll() }
    known[question] = config
  }
}

extension ConfigBuilder {
  /// The longest part of a resource's fqn for which the project files that configure it have a level.
  fileprivate func level(_ type: ResourceType, fqn: [String], package: String) -> [String] {
    let own = packages[package]?.depth(type, fqn: fqn) ?? 0
    return Array(fqn.prefix(package == root.name ? own : max(own, root.depth(type, fqn: fqn))))
  }
}

extension ProjectConfig {
  /// How many names of an fqn lead to levels of the section of its type, rendered or not.
  fileprivate func depth(_ type: ResourceType, fqn: [String]) -> Int {
    guard var level = sections[section(of: type)] else { return 0 }
    var depth = 0
    for name in fqn {
      guard case .object(let next)? = level[name] else { break }
      level = next
      depth += 1
    }
    return depth
  }
}
