import OrderedCollections
package import PlainData

/// What every resource of the graph has: the part that selection and ordering look at.
package protocol GraphMember: Sendable {
  /// dbt's unique id, such as `model.harbor.stg_ports`.
  var uniqueID: String { get }
  var resourceType: ResourceType { get }
  var packageName: String { get }
  var name: String { get }
  /// Package, folders below the resource path, name.
  var fqn: [String] { get }
  /// The file it was read from, relative to its package's root.
  var originalFilePath: String { get }
  /// The property file that describes it, as `package://path`; nil when none does.
  var patchPath: String? { get }
  var tags: [String] { get }
  /// Every configuration key with its value, in dbt's spelling.
  var config: PlainObject { get }
  /// Unique ids of the resources it reads.
  var dependsOnNodes: [String] { get }
  /// The `version` of a versioned model; nil otherwise.
  var version: PlainValue? { get }
}

extension GraphMember {
  package var version: PlainValue? { nil }
  package var patchPath: String? { nil }
  /// Whether the configuration lets it be part of the graph.
  package var isEnabled: Bool { config["enabled"]?.boolValue ?? true }
}
