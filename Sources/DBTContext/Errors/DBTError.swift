import Jinja

/// An error in dbt's own classes, printed as dbt prints it: kind, node and file, indented message, macro stack.
package struct DBTError: Error, Sendable, CustomStringConvertible {
  /// The family of an error. The raw value is the word in front of "Error".
  package enum Kind: String, Sendable {
    case compilation = "Compilation"
    case parsing = "Parsing"
    case database = "Database"
    case runtime = "Runtime"
    case `internal` = "Internal"
    case dependency = "Dependency"
    case validation = "Validation"
    case project = "Project"
    case profile = "Profile"
    case failFast = "FailFast"
    case notImplemented = "NotImplemented"

    /// The word dbt prints: several kinds have no word of their own there.
    fileprivate var printed: String {
      switch self {
      case .dependency, .validation, .project, .profile: Kind.runtime.rawValue
      default: rawValue
      }
    }
  }

  package var kind: Kind
  /// One or more lines, without the heading that `description` puts in front.
  package var message: String
  /// The node, macro or operation whose code failed.
  package var node: NodeReference?
  /// The macros on the way from the failing place to `node`, innermost first.
  package var stack: [NodeReference] = []
  /// Where the compiled code of the node was written, relative to the project; set for database errors.
  package var compiledPath: String?
  /// The five-character code of PostgreSQL, when the database refused a statement.
  package var sqlState: String?
  /// Whether the same attempt may succeed later without any change: the database was away, full, or busy with another.
  package var isTransient = false
  /// The place in a template, when one is known: file, line, excerpt with a caret.
  package var location: TemplateLocation?

  package init(_ kind: Kind, _ message: String, node: NodeReference? = nil) {
    self.kind = kind
    self.message = message
    self.node = node
  }

  /// dbt's text: `Compilation Error in model x (models/x.sql)` and the message indented below.
  package var description: String {
    if kind == .notImplemented { return "ERROR: \(message)" }
    var lines = message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if kind == .database, let compiledPath { lines.append("compiled code at \(compiledPath)") }
    let trail = stack + (node.map { [$0] } ?? [])
    if trail.count > 1 {
      lines.append("")
      for (index, entry) in trail.enumerated() { lines.append("> \(index == 0 ? "in" : "called by") \(entry)") }
    }
    let heading = "\(kind.printed) Error" + (node.map { " in \($0)" } ?? "")
    let text = heading + "\n" + lines.map { "  " + $0 }.joined(separator: "\n")
    guard isTopLevelUndefined, trail.count <= 1 else { return text }
    return text + DBTError.undefinedHint
  }

  /// A name that does not exist was used by the node's own text; dbt adds a hint to it.
  private(set) var isTopLevelUndefined = false

  private static let undefinedHint =
    ". This can happen when calling a macro that does not exist. Check for typos and/or install package dependencies "
    + "with \"dbt deps\"."
}

/// A node, macro or operation as errors name it: `model orders (models/orders.sql)`.
package struct NodeReference: Sendable, Hashable, CustomStringConvertible {
  /// dbt's resource type: `model`, `macro`, `test`, `operation`.
  package var resourceType: String
  package var name: String
  /// Relative to the root of its package.
  package var path: String
  /// Empty when it has none.
  package var uniqueID: String

  package init(resourceType: String, name: String, path: String, uniqueID: String = "") {
    self.resourceType = resourceType
    self.name = name
    self.path = path
    self.uniqueID = uniqueID
  }

  package var description: String { "\(resourceType) \(name) (\(path))" }
}

/// A place in a template.
package struct TemplateLocation: Sendable, Hashable {
  package var path: String
  /// From 1.
  package var line: Int
  /// From 1, in characters.
  package var column: Int
  /// The line of source with a caret below.
  package var excerpt: String?
}

extension DBTError {
  /// Any error that came out of rendering, in dbt's classes.
  ///
  /// A `DBTError` keeps its kind; an error of the template engine becomes a compilation error. The macros it passed are
  /// kept as the stack, and `node` is attached unless the error names one already.
  package init(_ error: any Error, node: NodeReference?) {
    if let known = error as? DBTError {
      self = known
    } else if let jinja = error as? JinjaError {
      self.init(jinja)
    } else {
      self.init(.runtime, "\(error)")
    }
    guard let node else { return }
    if let present = self.node, present != node {
      if !stack.contains(present) { stack.append(present) }
    }
    self.node = node
    stack.removeAll { $0 == node }
  }

  private init(_ error: JinjaError) {
    if let inner = error.underlying as? DBTError {
      self = inner
    } else {
      self.init(.compilation, DBTError.message(of: error))
      isTopLevelUndefined = error.kind == .undefined && error.macroStack.isEmpty
    }
    if let path = error.path, location == nil {
      location = TemplateLocation(path: path, line: error.line, column: error.column, excerpt: error.excerpt)
    }
    // dbt does not count the bodies of call blocks, which the template engine calls `caller`.
    for frame in error.macroStack where frame.name != "caller" {
      // The name a macro is stored under has a prefix that users do not know.
      let name = frame.name.hasPrefix("dbt_macro__") ? String(frame.name.dropFirst(11)) : frame.name
      let reference = NodeReference(resourceType: "macro", name: name, path: frame.path)
      if stack.last != reference { stack.append(reference) }
    }
  }

  /// Syntax errors and faults of the engine show where they are; the others read as in dbt.
  private static func message(of error: JinjaError) -> String {
    guard [.syntax, .assertion, .pythonSyntax, .limit].contains(error.kind) else { return error.message }
    var text = error.message
    if error.line > 0 { text += "\n  line \(error.line)" }
    if let excerpt = error.excerpt {
      text +=
        "\n"
        + excerpt.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }.joined(separator: "\n")
    }
    return text
  }
}
