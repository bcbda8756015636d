/// Any failure of the template engine: lexing, parsing, evaluating, or an error of the host on its way through.
package struct JinjaError: Error, CustomStringConvertible {
  /// What went wrong, in the classes of Jinja and Python.
  package enum Kind: String, Sendable {
    /// The template is malformed (TemplateSyntaxError, TemplateAssertionError).
    case syntax
    /// A missing value was used (UndefinedError).
    case undefined
    /// Python's TypeError.
    case type
    /// Python's ValueError, OverflowError.
    case value
    /// Python's KeyError and IndexError.
    case lookup
    /// Python's ZeroDivisionError and other arithmetic errors.
    case arithmetic
    /// Jinja's TemplateRuntimeError, FilterArgumentError, and everything without a class of its own.
    case runtime
    /// A refusal of the sandbox (SecurityError).
    case security
    /// A bound of `Limits` was reached; the message names it.
    case limit
    /// An error the host threw; see `underlying`.
    case host
  }

  /// One macro call on the way to the error, innermost first.
  package struct Frame: Sendable, Equatable {
    /// The macro's name, without dbt's prefix.
    package let name: String
    /// The file the macro is defined in.
    package let path: String
    /// The line of the statement that was running in it, from 1.
    package let line: Int

    package init(name: String, path: String, line: Int) {
      self.name = name
      self.path = path
      self.line = line
    }
  }

  package var kind: Kind
  /// One sentence, in Jinja's or Python's words where they have some.
  package var message: String
  /// The file, nil until the error passed a template node.
  package var path: String?
  /// From 1; 0 while unknown.
  package var line = 0
  /// From 1, in characters; 0 while unknown.
  package var column = 0
  /// The line of source and a caret under the column.
  package var excerpt: String?
  package var macroStack: [Frame] = []
  /// The host's error.
  package var underlying: (any Error)?

  package init(_ kind: Kind, _ message: String, underlying: (any Error)? = nil) {
    self.kind = kind
    self.message = message
    self.underlying = underlying
  }

  /// Message, place, excerpt and macro stack, on several lines.
  package var description: String {
    var text = message
    if let path { text += "\n  in \(path)" + (line > 0 ? ", line \(line), column \(column)" : "") }
    if let excerpt { text += "\n" + excerpt }
    for frame in macroStack { text += "\n  in macro \(frame.name) (\(frame.path), line \(frame.line))" }
    return text
  }
}

/// Thrown by dbt's `return(x)`: unwinds the innermost macro, which then has this value.
package struct MacroReturn: Error {
  /// Errors must be Sendable and values are not: this one is thrown and caught within one evaluation, on one thread.
  package nonisolated(unsafe) let value: Value
  package init(_ value: Value) { unsafe self.value = value }
}
