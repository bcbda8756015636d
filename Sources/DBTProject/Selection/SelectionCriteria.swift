import OrderedCollections
package import PlainData

/// How tests that nobody named come along with the nodes they test.
package enum IndirectSelection: String, Sendable {
  /// A test comes along when any of its parents is selected.
  case eager
  /// Only when all are.
  case cautious
  /// When all are selected, or ancestors of what is, or sources.
  case buildable
  /// Never.
  case empty
}

/// One criterion of a selection, such as `2+tag:nightly+1`.
///
/// Grammar: `[@][N+][method[.argument…]:]value[+N]`.
package struct SelectionCriteria: Sendable {
  /// What a criterion looks at.
  package enum Method: String, Sendable, CaseIterable {
    case fqn, tag, group, access, source, path, file, package, config
    case testName = "test_name"
    case testType = "test_type"
    case resourceType = "resource_type"
    case state, exposure, metric, result
    case sourceStatus = "source_status"
    case version
    case semanticModel = "semantic_model"
    case savedQuery = "saved_query"
    case unitTest = "unit_test"
    case selector
  }

  /// As written, for messages.
  package var raw: String
  package var method: Method
  /// What follows the method's name after points: the path of `config.materialized`.
  package var arguments: [String] = []
  /// A text, or in `selectors.yml` also a boolean or number.
  package var value: PlainValue
  /// `@`: with descendants and all their ancestors.
  package var withChildrensParents = false
  package var withParents = false
  /// Steps upstream; nil is all.
  package var parentsDepth: Int?
  package var withChildren = false
  /// Steps downstream; nil is all.
  package var childrenDepth: Int?
  package var indirect: IndirectSelection

  /// The value as text.
  var text: String { value.stringValue ?? value.pythonText }

  /// Reads one criterion of a command line.
  package init(_ raw: String, indirect: IndirectSelection) throws(ProjectError) {
    self.raw = raw
    self.indirect = indirect
    var rest = Substring(raw)
    if rest.first == "@" {
      withChildrensParents = true
      rest.removeFirst()
    }
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    if rest.dropFirst(digits.count).first == "+" {
      withParents = true
      parentsDepth = try SelectionCriteria.depth(digits, raw)
      rest = rest.dropFirst(digits.count + 1)
    }
    var named: Substring?
    if let colon = rest.firstIndex(of: ":"), colon > rest.startIndex,
      rest[..<colon].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." })
    {
      named = rest[..<colon]
      rest = rest[rest.index(after: colon)...]
    }
    if let plus = rest.lastIndex(of: "+") {
      let digits = rest[rest.index(after: plus)...]
      if digits.allSatisfy({ $0.isASCII && $0.isNumber }) {
        withChildren = true
        childrenDepth = try SelectionCriteria.depth(digits, raw)
        rest = rest[..<plus]
      }
    }
    value = .string(String(rest))
    (method, arguments) = try SelectionCriteria.method(named.map(String.init), value: String(rest))
    try refuseContradiction()
  }

  /// Makes a criterion from a definition of `selectors.yml`.
  init(_ definition: PlainObject, raw: String, indirect: IndirectSelection) throws(ProjectError) {
    guard let value = definition["value"] else {
      throw ProjectError(.runtime, "Invalid node spec \"\(raw)\" - no search value!")
    }
    self.raw = raw
    self.value = value
    let name = definition["method"]?.stringValue
    (method, arguments) = try SelectionCriteria.method(name, value: value.stringValue ?? value.pythonText)
    withChildrensParents = definition["childrens_parents"]?.isTruthy ?? false
    withParents = definition["parents"]?.isTruthy ?? false
    withChildren = definition["children"]?.isTruthy ?? false
    parentsDepth = try SelectionCriteria.depth(definition["parents_depth"], raw)
    childrenDepth = try SelectionCriteria.depth(definition["children_depth"], raw)
    self.indirect = indirect
    if let named = definition["indirect_selection"] {
      guard let mode = named.stringValue.flatMap(IndirectSelection.init) else {
        throw ProjectError(.runtime, "'\(named.pythonText)' is not a valid IndirectSelection")
      }
      self.indirect = mode
    }
    try refuseContradiction()
  }

  private func refuseContradiction() throws(ProjectError) {
    guard withChildren && withChildrensParents else { return }
    throw ProjectError(.runtime, "Invalid node spec \(raw) - \"@\" prefix and \"+\" suffix are incompatible")
  }

  private static func depth(_ digits: Substring, _ raw: String) throws(ProjectError) -> Int? {
    guard !digits.isEmpty else { return nil }
    guard let depth = Int(digits) else {
      throw ProjectError(.runtime, "Invalid node spec - could not handle parent depth \(digits)")
    }
    return depth
  }

  private static func depth(_ value: PlainValue?, _ raw: String) throws(ProjectError) -> Int? {
    guard let value, value.isTruthy else { return nil }
    guard let depth = value.intValue ?? value.stringValue.flatMap({ Int($0) }) else {
      throw ProjectError(.runtime, "Invalid node spec - could not handle parent depth \(value.pythonText)")
    }
    return depth
  }

  private static func method(_ name: String?, value: String) throws(ProjectError) -> (Method, [String]) {
    guard let name else {
      if value.contains("/") { return (.path, []) }
      let lowered = value.lowercased()
      let isFile = [".sql", ".py", ".csv"].contains { lowered.hasSuffix($0) }
      return (isFile ? .file : .fqn, [])
    }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let method = Method(rawValue: parts[0]) else {
      throw ProjectError(.runtime, "'\(parts[0])' is not a valid method name")
    }
    return (method, Array(parts.dropFirst()))
  }
}
