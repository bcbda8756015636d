import DBTContext
import OrderedCollections
import PlainData
import YAMLDocument

/// The layout of `packages.yml` and `package-lock.yml` as dbt writes them: keys in order, lists indented below their key.
struct PackageYAML {
  /// Nesting of what is written; more than any such file has.
  private static let depthLimit = 20

  /// The file's name, for messages.
  private let file: String

  /// - Throws: a runtime error for text that YAML cannot hold, or too much nesting.
  static func text(_ members: PlainObject, of file: String) throws(ProjectError) -> String {
    try PackageYAML(file: file).block(members, 0)
  }

  /// A mapping at so many levels of two blanks.
  private func block(_ members: PlainObject, _ depth: Int) throws(ProjectError) -> String {
    try checkDepth(depth)
    var text = ""
    for key in members.keys.sorted(by: { $0.precedes($1) }) {
      let value = members[key] ?? .null
      switch value {
      case .array(let items) where !items.isEmpty:
        text += try line(.object([key: .null]), depth).dropLast(" null\n".count) + "\n" + list(items, depth + 1)
      case .object(let inner) where !inner.isEmpty:
        text += try line(.object([key: .null]), depth).dropLast(" null\n".count) + "\n" + block(inner, depth + 1)
      default: text += try line(.object([key: value]), depth)
      }
    }
    return text
  }

  private func list(_ items: [PlainValue], _ depth: Int) throws(ProjectError) -> String {
    try checkDepth(depth)
    let mark = String(repeating: " ", count: 2 * depth) + "- "
    var text = ""
    for item in items {
      switch item {
      case .array(let inner) where !inner.isEmpty: text += mark + (try list(inner, depth + 1)).dropFirst(mark.count)
      case .object(let inner) where !inner.isEmpty: text += mark + (try block(inner, depth + 1)).dropFirst(mark.count)
      // One level further down, since a list by itself begins where its key does.
      default: text += try line(.array([item]), depth + 1)
      }
    }
    return text
  }

  /// A value as it stands below so many keys, so that long texts are broken where they must be.
  private func line(_ value: PlainValue, _ depth: Int) throws(ProjectError) -> String {
    var nested = value
    for _ in 0..<depth { nested = .object(["_": nested]) }
    do throws(YAMLWriteError) {
      let lines = try nested.yaml().split(separator: "\n", omittingEmptySubsequences: false).dropFirst(depth)
      return lines.joined(separator: "\n")
    } catch {
      throw ProjectError(.runtime, "\(error)", path: file)
    }
  }

  private func checkDepth(_ depth: Int) throws(ProjectError) {
    guard depth < Self.depthLimit else {
      throw ProjectError(.runtime, "it is nested more than \(Self.depthLimit) levels deep", path: file)
    }
  }
}
