/// One render on one thread: its limits, its macro stack and its view of the host.
///
/// Cheap to make. Needs a stack of 512 KiB or more; with 8 MiB every limit of `Limits.standard` can be reached safely.
package final class Evaluation {
  package let globals: any GlobalScope
  package let limits: Limits
  package let undefinedPolicy: UndefinedPolicy
  /// The host's state for this render.
  package var userInfo: AnyObject?

  package init(
    globals: any GlobalScope, limits: Limits = .standard, undefined: UndefinedPolicy = .standard
  ) {
    self.globals = globals
    self.limits = limits
    undefinedPolicy = undefined
  }

  /// The macros that are running, innermost first.
  package var macroStack: [JinjaError.Frame] { [] }

  /// Renders to text. `variables` come before the globals.
  package func renderText(_ template: Template, variables: [String: Value] = [:]) throws -> String {
    throw JinjaError(.runtime, "not evaluated yet")
  }

  /// Renders as dbt's native mode: a template of one expression gives its value, anything else gives text.
  package func renderNative(_ template: Template, variables: [String: Value] = [:]) throws -> Value {
    throw JinjaError(.runtime, "not evaluated yet")
  }

  /// Calls a macro: its text, or what it `return`ed.
  package func call(_ macro: MacroDefinition, _ arguments: Arguments) throws -> Value {
    throw JinjaError(.runtime, "not evaluated yet")
  }

  /// Calls any callable value.
  package func call(_ value: Value, _ arguments: Arguments) throws -> Value {
    throw JinjaError(.runtime, "not evaluated yet")
  }
}
