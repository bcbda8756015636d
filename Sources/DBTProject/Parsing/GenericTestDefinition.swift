import DBTContext
import OrderedCollections
import PlainData

/// What a generic test is declared on.
struct TestTarget: Sendable {
  enum Kind: Sendable, Hashable {
    /// A model, perhaps one of its versions.
    case model(version: PlainValue?)
    /// A seed or snapshot.
    case node
    /// A table of the named source.
    case source(String)
  }

  var kind: Kind
  /// The node's or table's name.
  var name: String
  var packageName: String
  /// The property file.
  let path: String
  /// The folders it lies in, below the resource path.
  let folders: [String]
  /// Where the manifest says it was declared, such as `models.stg_ports`.
  var fileKeyName: String

  init(kind: Kind, name: String, packageName: String, path: String, fileKeyName: String) {
    self.kind = kind
    self.name = name
    self.packageName = packageName
    self.path = path
    self.fileKeyName = fileKeyName
    folders = path.split(separator: "/").dropFirst().dropLast().map(String.init)
  }
}

/// One entry of a `data_tests` list, taken apart: the test's macro, its arguments, its configuration and its names.
struct GenericTestDefinition: Sendable {
  /// The macro's name without `test_`.
  private(set) var name: String
  /// The package named before the macro.
  private(set) var namespace: String?
  /// The macro's arguments as written, `column_name` and `model` among them.
  private(set) var arguments: PlainObject
  /// Rendered by the caller before the node is made.
  private(set) var config: PlainObject
  private(set) var description = ""
  /// The unique part of the unique id and the last part of the fqn.
  private(set) var fullName = ""
  /// Short enough for a file and a relation.
  private(set) var shortName = ""
  let target: TestTarget
  let columnName: String?
  /// What dbt is going to give up of the way the test is written.
  let deprecations: [ProjectWarning]

  static let configKeys = [
    "severity", "tags", "enabled", "where", "limit", "warn_if", "error_if", "fail_calc", "store_failures",
    "store_failures_as", "sql_header", "meta", "database", "schema", "alias",
  ]
  static let configKeySet = Set(configKeys)

  /// Reads one entry: a name, `name: arguments`, or an object with `test_name`.
  ///
  /// - Parameters:
  ///   - columnName: for tests of a column; quoted already when it is to be.
  ///   - usesArguments: whether an `arguments` key holds the macro's arguments (dbt's default).
  ///   - render: renders a text of the configuration.
  /// - Throws: a parsing error in dbt's words.
  init(
    _ entry: PlainValue, target: TestTarget, columnName: String?, usesArguments: Bool,
    render: (String) throws(ProjectError) -> PlainValue
  ) throws(ProjectError) {
    self.target = target
    self.columnName = columnName
    var (fullTestName, given) = try GenericTestDefinition.parts(entry)
    if let columnName { given["column_name"] = .string(columnName) }
    let nested = usesArguments ? given.removeValue(forKey: "arguments") : nil
    deprecations = TestDeprecations(fullTestName, target, usesArguments: usesArguments).found(given, nested: nested)
    if case .object(let members)? = nested { given.merge(members) { _, last in last } }
    if given["model"] != nil {
      throw ProjectError(.parsing, "Test arguments include \"model\", which is a reserved argument")
    }
    let names = fullTestName.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1).map { String(Substring($0)) }
    namespace = names.count == 2 ? names[0] : nil
    name = names.last ?? fullTestName
    guard GenericTestDefinition.isIdentifier(name), namespace.map(GenericTestDefinition.isIdentifier) ?? true else {
      throw ProjectError(
        .parsing,
        "Test name string did not match expected pattern: \(fullTestName). Must be [package.]test, e.g. unique")
    }
    config = try GenericTestDefinition.takeConfig(&given, render: render)
    description = given.removeValue(forKey: "description")?.stringValue ?? ""
    let ownName = given.removeValue(forKey: "name")
    arguments = given
    arguments["model"] = .string(modelExpression)
    if let ownName {
      fullName = ownName.pythonText
      shortName = fullName
    } else {
      (shortName, fullName) = generatedNames()
      if shortName != fullName, config["alias"] == nil { config["alias"] = .string(shortName) }
    }
  }

  private static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, !digits.contains(first) else { return false }
    return text.utf8.allSatisfy(isWord)
  }

  private static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

  /// Whether it is an ASCII letter, digit or underscore.
  private static func isWord(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || digits.contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func parts(_ entry: PlainValue) throws(ProjectError) -> (String, PlainObject) {
    if case .string(let name) = entry { return (name, [:]) }
    guard var members = entry.objectValue else {
      throw ProjectError(.parsing, "test must be dict or str, got \(entry.kindName) (value \(entry.pythonText))")
    }
    if let name = members.removeValue(forKey: "test_name") {
      guard case .string(let text) = name else {
        throw ProjectError(.parsing, "test name must be a str, got \(name.kindName) (value \(name.pythonText))")
      }
      return (text, members)
    }
    guard members.count == 1, let (name, value) = members.elements.first else {
      throw ProjectError(
        .parsing,
        "test definition dictionary must have exactly one key, got \(PlainValue.object(members).pythonText) instead "
          + "(\(members.count) keys)")
    }
    if value.isNull { return (name, [:]) }
    guard case .object(let arguments) = value else {
      throw ProjectError(.parsing, "test arguments must be a dict, got \(value.kindName) (value \(value.pythonText))")
    }
    return (name, arguments)
  }

  /// Takes configuration out of the arguments: the keys that were allowed beside them, then those below `config`.
  private static func takeConfig(
    _ given: inout PlainObject, render: (String) throws(ProjectError) -> PlainValue
  ) throws(ProjectError) -> PlainObject {
    let nested = given.removeValue(forKey: "config")
    if let nested, !nested.isNull, nested.objectValue == nil {
      throw ProjectError(
        .parsing, "Generic test config must be a dictionary, got \(nested.kindName) (value \(nested.pythonText))")
    }
    var rest = nested?.objectValue ?? [:]
    guard !rest.isEmpty || given.keys.contains(where: configKeySet.contains) else { return [:] }
    var taken = PlainObject()
    for key in configKeys {
      let outside = given.removeValue(forKey: key)
      if let outside, outside.isTruthy, rest[key] != nil {
        throw ProjectError(.parsing, "Test cannot have the same key at the top-level and in config")
      }
      if let outside, outside.isTruthy {
        taken[key] = outside
      } else {
        taken[key] = rest.removeValue(forKey: key) ?? outside
      }
    }
    taken.merge(rest) { _, last in last }
    var config = PlainObject()
    for (key, value) in taken {
      let rendered = if case .string(let text) = value { try render(text) } else { value }
      if !rendered.isNull { config[key] = rendered }
    }
    return config
  }

  /// The `model` argument: the tested relation, filtered by the test's `where`.
  private var modelExpression: String {
    switch target.kind {
    case .model(let version?): "{{ get_where_subquery(ref('\(target.name)', version='\(version.versionText)')) }}"
    case .model(nil), .node: "{{ get_where_subquery(ref('\(target.name)')) }}"
    case .source(let source): "{{ get_where_subquery(source('\(source)', '\(target.name)')) }}"
    }
  }

  // MARK: Names

  private func generatedNames() -> (short: String, full: String) {
    var testName = name
    var targetName = target.name
    switch target.kind {
    case .model(let version?): targetName += "_v" + version.versionText
    case .source(let source):
      testName = "source_" + testName
      targetName = "\(source)_\(target.name)"
    case .model(nil), .node: break
    }
    if let namespace { testName = namespace + "_" + testName }
    return GenericTestDefinition.names(test: testName, target: targetName, arguments: arguments)
  }

  /// The names dbt makes up for a test without a name of its own.
  ///
  /// - Parameter test: the test's name with its namespace.
  static func names(test: String, target: String, arguments: PlainObject) -> (short: String, full: String) {
    var parts: [String] = []
    for key in arguments.keys.sorted(by: { $0.precedes($1) }) where key != "model" {
      switch arguments[key] ?? .null {
      case .object(let members): parts += members.values.map(\.pythonText)
      case .array(let items): parts += items.map(\.pythonText)
      case let value: parts.append(value.pythonText)
      }
    }
    let identifier = "\(test)_\(target)"
    let full = identifier + "_" + parts.map(cleaned).joined(separator: "__")
    guard full.utf8.count >= 64, full.unicodeScalars.count >= 64 else { return (full, full) }
    let start = String(String.UnicodeScalarView(identifier.unicodeScalars.prefix(30)))
    return ("\(start)_\(MD5.hex(full))", full)
  }

  /// Runs of characters outside ASCII letters, digits and underscores become one underscore.
  private static func cleaned(_ text: String) -> String {
    var result: [UInt8] = []
    var isInGap = false
    for byte in text.utf8 {
      let isKept = isWord(byte)
      if isKept {
        result.append(byte)
      } else if !isInGap {
        result.append(UInt8(ascii: "_"))
      }
      isInGap = !isKept
    }
    return String(decoding: result, as: UTF8.self)
  }

  // MARK: Code and identity

  /// The template that the test node renders: a call of its macro and its configuration.
  var rawCode: String {
    let macro = (namespace.map { $0 + "." } ?? "") + "test_" + name
    return "{{ \(macro)(**_dbt_generic_test_kwargs) }}" + configCall
  }

  private var configCall: String {
    guard !config.isEmpty else { return "" }
    let settings = config.map { key, value in
      if case .string(let text) = value { return "\(key)=\"\(text.replacing("\"", with: "\\\""))\"" }
      return "\(key)=\(value.pythonText)"
    }
    return "{{ config(\(settings.joined(separator: ","))) }}"
  }

  /// What the test was made from, for the manifest.
  var metadata: TestMetadata { TestMetadata(name: name, arguments: arguments, namespace: namespace) }

  /// The ten digits that keep unique ids of tests with one name apart.
  var hash: String {
    var hashed = fullName + "{'kwargs': "
    GenericTestDefinition.append(.object(arguments), to: &hashed)
    hashed += ", 'name': "
    PlainValue.appendQuoted(name, to: &hashed)
    hashed += ", 'namespace': "
    PlainValue.appendQuoted(namespace ?? "None", to: &hashed)
    return String(MD5.hex(hashed + "}").suffix(10))
  }

  /// Appends what Python's `repr()` gives for a value of which keys are sorted at every level and every scalar is text.
  private static func append(_ value: PlainValue, to text: inout String) {
    switch value {
    case .object(let members):
      text += "{"
      for (index, key) in members.keys.sorted(by: { $0.precedes($1) }).enumerated() {
        if index > 0 { text += ", " }
        PlainValue.appendQuoted(key, to: &text)
        text += ": "
        append(members[key] ?? .null, to: &text)
      }
      text += "}"
    case .array(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += ", " }
        append(item, to: &text)
      }
      text += "]"
    default: PlainValue.appendQuoted(value.pythonText, to: &text)
    }
  }
}
