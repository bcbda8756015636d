import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// The comment in front of every statement that macros execute, by which a database's log tells which node sent it.
struct QueryComment: Sendable {
  /// Without the comment's marks; nil or empty: no comment.
  let text: String?
  /// Whether it stands at the end instead (`query-comment: {append: true}`).
  var isAppended = false
  /// Why the project's comment cannot be made; then no statement can be sent.
  var failure: DBTError?

  /// dbt's default: a JSON object with the node's id, or the connection's name where there is no node.
  static func standard(
    version: String, profile: String, target: String, nodeID: String?, connectionName: String
  ) -> QueryComment {
    var members: PlainObject = [
      "app": "dbt", "dbt_version": .string(version), "profile_name": .string(profile), "target_name": .string(target),
    ]
    if let nodeID { members["node_id"] = .string(nodeID) } else { members["connection_name"] = .string(connectionName) }
    return QueryComment(text: PlainValue.object(members).json(.python))
  }

  /// The SQL with the comment before it, or after it and before its last semicolon.
  func added(to sql: String) -> String {
    guard let made = text, !made.isEmpty else { return sql }
    let text = Blanks.trimmed(made)
    guard isAppended else { return "/* \(text) */\n\(sql)" }
    var body = Substring(sql)
    while let last = body.last, last.isWhitespace { body.removeLast() }
    guard body.last == ";" else { return "\(body)\n/* \(text) */" }
    return "\(body.dropLast())\n/* \(text) */;"
  }
}
