import OrderedCollections
import PlainData

/// Renders the names of relations as PostgreSQL reads them.
enum RelationName {
  /// `"database"."schema"."identifier"`, each part in quotes unless the policy says not.
  ///
  /// - Parameter quoting: `database`, `schema` and `identifier`; absent or null means quoted.
  static func text(database: String?, schema: String?, identifier: String?, quoting: PlainObject) -> String {
    var text = ""
    var isFirst = true
    func add(_ key: String, _ part: String?) {
      guard let part else { return }
      if !isFirst { text += "." }
      isFirst = false
      let mark = quoting[key] == .bool(false) ? "" : "\""
      text += mark
      text += part
      text += mark
    }
    add("database", database)
    add("schema", schema)
    add("identifier", identifier)
    return text
  }
}
