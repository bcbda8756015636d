import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// The project's `query-comment` for connections.
struct QueryComments {
  let engine: Engine
  let run: RunContext

  /// The comment of a connection: dbt's own, the project's text rendered, or none.
  ///
  /// A comment of the project that cannot be rendered makes the connection's first statement fail, as in dbt.
  func comment(_ name: String, node: Node?) -> QueryComment {
    var setting = engine.project.project.queryComment
    var isAppended = false
    if case .object(let members)? = setting {
      isAppended = members["append"]?.boolValue ?? false
      setting = members["comment"]
    }
    switch setting {
    case .some(.null): return QueryComment(text: nil)
    case .some(.string(let text)):
      guard !Blanks.trimmed(text).isEmpty else { return QueryComment(text: nil) }
      switch rendered(text, name, node) {
      case .success(let comment): return QueryComment(text: comment, isAppended: isAppended)
      case .failure(let error): return QueryComment(text: nil, failure: error)
      }
    default:
      let profile = engine.project.profile
      var comment = QueryComment.standard(
        version: run.invocation.dbtVersion, profile: profile.profileName, target: profile.targetName,
        nodeID: node?.uniqueID, connectionName: name)
      comment.isAppended = isAppended
      return comment
    }
  }

  private func rendered(_ text: String, _ name: String, _ node: Node?) -> Result<String, DBTError> {
    var settings = DBTScope.Settings(invocation: run.invocation, registry: engine.project.macros)
    settings.vars = VarSettings(values: engine.vars(of: engine.project.manifest.projectName))
    settings.members = [
      "node": node.map { NodeNaming.object($0.json()) } ?? .none,
      "connection_name": .string(name),
    ]
    do {
      let comment = Blanks.trimmed(try DBTScope(settings).render(text, path: "query-comment"))
      guard !comment.contains("*/") else {
        throw DBTError(.runtime, "query comment contains illegal value \"*/\": \(comment)")
      }
      return .success(comment)
    } catch {
      return .failure(DBTError(error, node: nil))
    }
  }
}
