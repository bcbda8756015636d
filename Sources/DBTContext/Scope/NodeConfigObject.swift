package import Jinja
package import PlainData

/// `node.config` where a template holds a node itself and not a dict of it: a key that is not set is None, never undefined.
package final class NodeConfigObject: Object {
  private let members: DictObject

  /// - Parameter members: the configuration, which stays shared.
  package init(_ members: DictObject) { self.members = members }

  package var typeName: String { "NodeConfig" }
  package var kinds: ValueKinds { [.sequence, .iterable] }
  package var count: Int? { members.count }
  package var text: String { Value.dict(members).text }
  package var repr: String { Value.dict(members).repr }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "get": .function(name, ["key", "default?"]) { [self] values, _ in member(values[0]) ?? values[1] ?? .none }
    case "to_dict": .function(name, ["omit_none?"]) { [members] _, _ in .dict(members.copy()) }
    default: member(.string(name)) ?? Value.none
    }
  }

  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? { member(key) ?? Value.none }
  package func iterate(_ evaluation: Evaluation) throws -> [Value]? { members.keys }
  package func setAttribute(_ name: String, _ value: Value, _ evaluation: Evaluation) throws { members[name] = value }
  package func plain() throws -> PlainValue? { try Value.dict(members).plain() }

  /// Python's names of the hooks have another spelling than dbt's files.
  private func member(_ key: Value?) -> Value? {
    guard let key else { return nil }
    switch key.stringValue {
    case "pre_hook": return members["pre-hook"]
    case "post_hook": return members["post-hook"]
    default: return members[key]
    }
  }
}
