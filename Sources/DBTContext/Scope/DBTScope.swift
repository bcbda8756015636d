package import Jinja
import OrderedCollections

/// What a template sees in dbt: the members of the context with the macros of the project laid over them.
///
/// One scope serves one node (or one YAML value, one profile) on one thread. Names are found in this order: values set by
/// `context.update`, macros of the node's package, macros of the root project, package names as namespaces, dbt's own
/// macros, members added by the caller, base members.
package final class DBTScope: GlobalScope {
  /// Members that are made one by one, when a template first names them.
  package struct LazyMembers {
    package var names: Set<String>
    /// Makes the member of one of the names.
    package var make: (String) -> Value

    package init(_ names: Set<String> = [], make: @escaping (String) -> Value = { _ in .none }) {
      self.names = names
      self.make = make
    }
  }

  /// What a scope is made for.
  package struct Settings {
    package var invocation: Invocation
    package var registry: MacroRegistry
    /// The package whose macros come first: that of the node being worked on.
    package var searchPackage: String
    /// Attached to the errors that templates raise.
    package var node: NodeReference?
    package var vars = VarSettings()
    /// False while parsing.
    package var executes = true
    /// False for templates that hang on no node, which dbt shows less.
    package var hasNodeMembers = true
    /// Name of the worker thread, such as `Thread-1`.
    package var threadName = "MainThread"
    /// `env_var` of a secret gives its stand-in: only for profiles and packages files.
    package var allowsSecrets = false
    /// `quoting` of the project, for `api.Relation`.
    package var quoting: [RelationComponent: Bool] = [:]
    /// Members beyond the base ones; they replace base members of the same name.
    package var members: [String: Value] = [:]
    /// Further members that are only made when a template names them.
    package var lazyMembers = LazyMembers()
    /// Told of every macro of the registry that a template calls, and of how many macros run around the call.
    package var onMacroCall: ((RegisteredMacro, Int) -> Void)?

    package init(invocation: Invocation, registry: MacroRegistry, searchPackage: String? = nil) {
      self.invocation = invocation
      self.registry = registry
      self.searchPackage = searchPackage ?? registry.rootPackage
    }

    /// A macro as templates of the scope see it.
    package func callable(_ macro: RegisteredMacro) -> Value {
      guard let onMacroCall else { return .object(MacroObject(macro.definition)) }
      return .object(MacroObject(macro.definition) { onMacroCall(macro, $0.macroDepth) })
    }
  }

  package let settings: Settings
  package var invocation: Invocation { settings.invocation }
  package var registry: MacroRegistry { settings.registry }
  package var searchPackage: String { settings.searchPackage }
  package var node: NodeReference? { settings.node }

  private var updated: [String: Value] = [:]
  private var members: [String: Value]
  /// Whether the base members were made: only when a template names one that is not among the commonest.
  private var hasBase = false
  private var macros: [String: Value] = [:]
  /// The members that templates asked for and found.
  package private(set) var askedMembers: Set<String> = []

  package init(_ settings: Settings) {
    self.settings = settings
    members = settings.members
  }

  // MARK: Names

  package func lookup(_ name: String, _ evaluation: Evaluation) throws -> Value? { value(name) }

  /// The value of a name, or nil when it is not defined.
  package func value(_ name: String) -> Value? { updated[name] ?? macroValue(name) ?? member(name) }

  private func macroValue(_ name: String) -> Value? {
    guard registry.mayMean(name) else { return nil }
    if let known = macros[name] { return known }
    let value: Value
    if let own = registry.packages[searchPackage]?[name] ?? registry.packages[registry.rootPackage]?[name] {
      value = settings.callable(own)
    } else if registry.isNamespace(name) {
      value = .object(MacroNamespaceObject(settings, package: name))
    } else if let found = registry.macro(named: name, in: "dbt") {
      value = settings.callable(found)
    } else {
      return nil
    }
    macros[name] = value
    return value
  }

  /// A member of the context, even when a macro of this name is laid over it.
  package func member(_ name: String) -> Value? {
    let value = findMember(name)
    if value != nil { askedMembers.insert(name) }
    return value
  }

  private func findMember(_ name: String) -> Value? {
    if let known = members[name] { return known }
    if settings.lazyMembers.names.contains(name) {
      let made = settings.lazyMembers.make(name)
      members[name] = made
      return made
    }
    if !hasBase {
      if let made = BaseContext.common(name, settings) {
        members[name] = made
        return made
      }
      makeBase()
      if let known = members[name] { return known }
    }
    switch name {
    case "context": return .object(ContextObject(self))
    case "builtins":
      for name in settings.lazyMembers.names { _ = member(name) }
      return .dict(DictObject(members.map { (key: .string($0.key), value: $0.value) }))
    default: return nil
    }
  }

  /// Makes the base members that were not made alone before.
  private func makeBase() {
    hasBase = true
    for (name, value) in BaseContext.members(settings)
    where members[name] == nil && !settings.lazyMembers.names.contains(name) {
      members[name] = value
    }
  }

  /// Sets a member, as `context.update` does; it comes before macros of the same name.
  package func update(_ name: String, _ value: Value) { updated[name] = value }

  /// Adds or replaces a member; macros of the same name stay in front of it.
  package func setMember(_ name: String, _ value: Value) { members[name] = value }

  package var names: [String] {
    if !hasBase { makeBase() }
    var all = Set(updated.keys).union(members.keys).union(settings.lazyMembers.names).union(["context", "builtins"])
    for (package, macros) in registry.packages {
      if registry.isNamespace(package) { all.insert(package) }
      if package == searchPackage || package == registry.rootPackage || registry.internalPackages.contains(package) {
        all.formUnion(macros.keys)
      }
    }
    all.insert("dbt")
    return all.sorted()
  }

  // MARK: Rendering

  /// An evaluation with this scope as its globals.
  package func evaluation(limits: Limits = .standard, undefined: UndefinedPolicy = .standard) -> Evaluation {
    Evaluation(globals: self, limits: limits, undefined: undefined)
  }

  /// Renders text in a new evaluation.
  ///
  /// - Throws: `DBTError` with the scope's node attached.
  package func render(_ text: String, path: String, undefined: UndefinedPolicy = .standard) throws(DBTError) -> String {
    guard DBTScope.hasTemplate(text) else { return DBTScope.withoutTemplate(text) }
    do {
      return try evaluation(undefined: undefined).renderText(try Template.compile(text, path: path))
    } catch {
      throw DBTError(error, node: node)
    }
  }

  /// Renders a value of a YAML file in native mode. Text without any template mark is a `literal`.
  ///
  /// - Throws: `DBTError` with the scope's node attached.
  package func renderNative(_ text: String, path: String, undefined: UndefinedPolicy = .standard) throws(DBTError)
    -> Value
  {
    guard DBTScope.hasTemplate(text) else { return .string(DBTScope.literal(text)) }
    do {
      return try evaluation(limits: .small, undefined: undefined).renderNative(try Template.compile(text, path: path))
    } catch {
      throw DBTError(error, node: node)
    }
  }

  /// Whether text holds a mark of the template language.
  package static func hasTemplate(_ text: String) -> Bool {
    var isOpen = false
    for byte in text.utf8 {
      if isOpen, byte == UInt8(ascii: "{") || byte == UInt8(ascii: "%") || byte == UInt8(ascii: "#") { return true }
      isOpen = byte == UInt8(ascii: "{")
    }
    return false
  }

  /// What rendering in text mode makes of a text without any template mark. As in dbt: only one that might be a template is
  /// rendered.
  static func withoutTemplate(_ text: String) -> String { mayBeTemplate(text) ? literal(text) : text }

  /// Whether dbt takes a text for one that might hold a template.
  private static func mayBeTemplate(_ text: String) -> Bool {
    var last: UInt8 = 0
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "%"), UInt8(ascii: "#"): return true
      case UInt8(ascii: "}") where last == byte: return true
      default: last = byte
      }
    }
    return false
  }

  /// What rendering makes of a text without any template mark: it ends its lines as Unix does, and drops the last line end.
  package static func literal(_ text: String) -> String {
    var text = text
    if text.utf8.contains(0x0D) {
      text = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
    }
    if text.utf8.last == 0x0A { text.unicodeScalars.removeLast() }
    return text
  }

  /// Whether rendering in native mode gives a text back as it is.
  package static func isUnchangedByRendering(_ text: String) -> Bool {
    !hasTemplate(text) && text.utf8.last != 0x0A && !text.utf8.contains(0x0D)
  }
}

extension Evaluation {
  /// The dbt scope this evaluation runs in.
  ///
  /// - Throws: an internal error when the globals are something else.
  package func dbtScope() throws -> DBTScope {
    guard let scope = globals as? DBTScope else {
      throw DBTError(.internal, "a dbt function was called outside of a dbt context")
    }
    return scope
  }
}
