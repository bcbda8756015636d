/// Any failure of the template engine: lexing, parsing, evaluating, or an error of the host on its way through.
package struct JinjaError: Error, CustomStringConvertible {
  /// What went wrong, in the classes of Jinja and Python; the raw value is the name of the class.
  package enum Kind: String, Sendable {
    /// The template is malformed.
    case syntax = "TemplateSyntaxError"
    /// The template names a filter, test or block that cannot be.
    case assertion = "TemplateAssertionError"
    /// What Jinja lets pass and Python's compiler refuses: a `break` outside of a loop, an argument given twice.
    case pythonSyntax = "SyntaxError"
    /// A missing value was used.
    case undefined = "UndefinedError"
    /// Jinja's own failures at run time.
    case runtime = "TemplateRuntimeError"
    case filterArgument = "FilterArgumentError"
    /// A refusal of the sandbox.
    case security = "SecurityError"
    case attribute = "AttributeError"
    case type = "TypeError"
    case value = "ValueError"
    case key = "KeyError"
    case index = "IndexError"
    case lookup = "LookupError"
    case zeroDivision = "ZeroDivisionError"
    case overflow = "OverflowError"
    /// `decimal.DivisionByZero` and `decimal.InvalidOperation`.
    case decimalDivision = "DivisionByZero"
    case decimalOperation = "InvalidOperation"
    case decimalOverflow = "Overflow"
    /// A failed check of Jinja's own (`truncate`).
    case check = "AssertionError"
    /// Python's RuntimeError, as of a dict that changes while it is walked.
    case state = "RuntimeError"
    case encoding = "UnicodeEncodeError"
    case decoding = "UnicodeDecodeError"
    /// `re.error`.
    case regex = "error"
    /// pytz: no such zone; a local time that comes twice or never.
    case unknownZone = "UnknownTimeZoneError"
    case ambiguousTime = "AmbiguousTimeError"
    case missingTime = "NonExistentTimeError"
    /// dbt's conversion of a native value failed.
    case conversion = "CompilationError"
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
