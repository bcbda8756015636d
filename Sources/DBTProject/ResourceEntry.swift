import OrderedCollections
package import PlainData

/// A resource that only property files declare: exposure, metric, semantic model, saved query, group or unit test.
///
/// `document` is its whole form in the manifest; the other fields repeat what the graph and selection need.
package struct ResourceEntry: GraphMember {
  package var uniqueID: String
  package var resourceType: ResourceType
  package var packageName: String
  package var name: String
  package var fqn: [String]
  package var originalFilePath: String
  package var tags: [String] = []
  package var config: PlainObject = [:]
  package var refs: [RefArguments] = []
  /// `[source name, table name]` pairs.
  package var sources: [[String]] = []
  package var metrics: [[String]] = []
  package var dependsOnNodes: [String] = []
  /// For unit tests of versioned models: the version tested.
  package var version: PlainValue?
  /// The resource in dbt's form, without `depends_on`.
  package var document: PlainObject

  package init(
    uniqueID: String, resourceType: ResourceType, packageName: String, name: String, fqn: [String],
    originalFilePath: String, document: PlainObject
  ) {
    self.uniqueID = uniqueID
    self.resourceType = resourceType
    self.packageName = packageName
    self.name = name
    self.fqn = fqn
    self.originalFilePath = originalFilePath
    self.document = document
  }

  /// The form dbt keeps in its manifest.
  package func json() -> PlainValue {
    guard resourceType != .group else { return .object(document) }
    var document = document
    document["depends_on"] = ["macros": [], "nodes": .strings(dependsOnNodes)]
    return .object(document)
  }
}
