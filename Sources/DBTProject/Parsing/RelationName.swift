import OrderedCollections
import PlainData

/// Renders the names of relations as PostgreSQL reads them.
enum RelationName {
  /// `"database"."schema"."identifier"`, each part in quotes unless the policy says not.
  ///
  /// - Parameter quoting: `database`, `schema` and `identifier`; absent or null means quoted.
  static func text(database: String?, schema: String?, identifier: String?, quoting: PlainObject) -> String {
    let parts = [("database", database), ("schema", schema), ("identifier", identifier)]
    return parts.compactMap { key, part in
      part.map { quoting[key] == .bool(false) ? $0 : "\"\($0)\"" }
    }.joined(separator: ".")
  }
}
