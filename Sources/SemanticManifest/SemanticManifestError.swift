/// A resource that dbt refuses to put into the semantic manifest: a member is missing or has the wrong shape.
///
/// dbt ends there with a traceback of pydantic's `ValidationError`.
package struct SemanticManifestError: Error, Sendable, CustomStringConvertible {
  /// The kind and name of the resource, as `metric revenue`.
  package let resource: String
  /// The way to the member, as `type_params.window.count`; empty when the resource itself is wrong.
  package let member: String
  /// What is wrong with it, in a few words.
  package let reason: String

  package var description: String {
    "\(resource) does not fit the semantic manifest: " + (member.isEmpty ? "" : "\(member): ") + reason
  }
}
