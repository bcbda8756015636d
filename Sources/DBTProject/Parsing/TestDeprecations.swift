import OrderedCollections
import PlainData

/// What dbt is going to give up of the way one generic test is written.
struct TestDeprecations {
  /// The test's name as written.
  private let test: String
  private let target: TestTarget
  private let usesArguments: Bool

  /// What may stand beside the arguments.
  private static let knownKeys = Set(
    GenericTestDefinition.configKeys + ["config", "column_name", "description", "name"])

  init(_ test: String, _ target: TestTarget, usesArguments: Bool) {
    self.test = test
    self.target = target
    self.usesArguments = usesArguments
  }

  /// - Parameters:
  ///   - given: what stands beside the arguments.
  ///   - nested: the value of the key for arguments, if it is one.
  func found(_ given: PlainObject, nested: PlainValue?) -> [ProjectWarning] {
    guard usesArguments else { return given["arguments"].map { [ownArguments($0)] } ?? [] }
    var found = given.keys.filter(GenericTestDefinition.configKeySet.contains).map(moved)
    if !(nested?.isTruthy ?? false), given.keys.contains(where: { !TestDeprecations.knownKeys.contains($0) }) {
      found.append(bare)
    }
    return found
  }

  private func ownArguments(_ value: PlainValue) -> ProjectWarning {
    ProjectWarning(
      name: "ArgumentsPropertyInGenericTestDeprecation",
      message: "Found `arguments` property in test definition of `\(test)` (\(value.pythonText)) without usage of "
        + "`require_generic_test_arguments_property` behavior change flag. The `arguments` property is deprecated for "
        + "custom usage and will be used to nest keyword arguments in future versions of dbt.")
  }

  private func moved(_ key: String) -> ProjectWarning {
    let place = "`data_tests.\(test).\(key)`"
    return ProjectWarning(
      name: "PropertyMovedToConfigDeprecation",
      message: "Found `\(key)` as a top-level property of \(place) in file `\(target.path)`. The `\(key)` top-level "
        + "property should be moved into the `config` of \(place).")
  }

  private var bare: ProjectWarning {
    var name = target.name
    if case .source(let source) = target.kind { name = "\(source)_\(name)" }
    return ProjectWarning(
      name: "MissingArgumentsPropertyInGenericTestDeprecation",
      message: "Found top-level arguments to test `\(test)` defined on '\(name)' in package '\(target.packageName)' "
        + "(\(target.path)). Arguments to generic tests should be nested under the `arguments` property.")
  }
}
