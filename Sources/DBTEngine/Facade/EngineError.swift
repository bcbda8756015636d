import DBTContext
import DBTProject

/// Why the engine could not do what was asked, in dbt's families and words.
package struct EngineError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The family: what dbt prints in front of ` Error`.
  package enum Kind: String, Sendable, Hashable {
    case compilation = "Compilation"
    case parsing = "Parsing"
    case database = "Database"
    case runtime = "Runtime"
    case internalFailure = "Internal"
    case dependency = "Dependency"
    case validation = "Validation"
    case project = "dbt_project.yml"
    case profile = "Profile"
    case usage = "Usage"
    /// The run was stopped by its caller.
    case cancelled = "Cancelled"
  }

  package let kind: Kind
  /// What is wrong, without the family; may have several lines. Scrubbed of secrets.
  package let message: String
  /// Whether the same attempt may succeed later without any change (the server was away or full).
  package let isTransient: Bool

  /// dbt's form: `Database Error in model orders (models/orders.sql)` and the message below, indented by two.
  package let description: String

  package init(_ kind: Kind, _ message: String, isTransient: Bool = false) {
    let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
    let head = kind == .project || kind == .profile ? "Runtime" : kind.rawValue
    self.init(
      kind, text: (["\(head) Error"] + lines.map { "  \($0)" }).joined(separator: "\n"), message: message,
      isTransient: isTransient)
  }

  /// An error that was already put into dbt's form.
  package init(_ kind: Kind, printed text: String) {
    self.init(kind, text: text, message: text)
  }

  private init(_ kind: Kind, text: String, message: String, isTransient: Bool = false) {
    self.kind = kind
    self.message = message
    self.isTransient = isTransient
    description = text
  }
}

extension EngineError {
  /// dbt's error in the families of the engine.
  init(_ error: DBTError) {
    let kind: Kind =
      switch error.kind {
      case .compilation, .notImplemented: .compilation
      case .parsing: .parsing
      case .database: .database
      case .runtime, .failFast: .runtime
      case .internal: .internalFailure
      case .dependency: .dependency
      case .validation: .validation
      case .project: .project
      case .profile: .profile
      }
    self.init(kind, text: error.description, message: error.message, isTransient: error.isTransient)
  }

  init(_ error: ProjectError) {
    let kind: Kind =
      switch error.kind {
      case .parsing, .schema: .parsing
      case .compilation, .unsupported: .compilation
      case .runtime, .inline, .contract: .runtime
      case .dependency: .dependency
      case .validation: .validation
      case .internalFailure: .internalFailure
      }
    self.init(kind, text: error.description, message: error.message)
  }

  /// Any error of the layers below.
  init(any error: any Error) {
    switch error {
    case let known as EngineError: self = known
    case let known as ProjectError: self.init(known)
    case let known as DBTError: self.init(known)
    default: self.init(DBTError(error, node: nil))
    }
  }

  /// The same error without secrets in its texts.
  func scrubbed(by scrubber: SecretScrubber) -> EngineError {
    EngineError(
      kind, text: scrubber.scrub(description), message: scrubber.scrub(message), isTransient: isTransient)
  }
}
