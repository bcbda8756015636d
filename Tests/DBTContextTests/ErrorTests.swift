import Jinja
import Testing

@testable import DBTContext

@Suite struct ErrorTests {
  private let model = NodeReference(resourceType: "model", name: "orders", path: "models/orders.sql")
  private let macro = NodeReference(resourceType: "macro", name: "m", path: "macros/m.sql")

  @Test func errorsPrintAsDBTDoes() {
    let error = DBTError(.compilation, "first\nsecond", node: model)
    #expect(error.description == "Compilation Error in model orders (models/orders.sql)\n  first\n  second")
    #expect(DBTError(.dependency, "x").description == "Runtime Error\n  x")
    #expect(DBTError(.notImplemented, "x").description == "ERROR: x")
  }

  @Test func theMacroStackIsShownInnermostFirst() {
    var error = DBTError(.compilation, "bad", node: model)
    error.stack = [macro]
    #expect(
      error.description
        == "Compilation Error in model orders (models/orders.sql)\n  bad\n  \n  > in macro m (macros/m.sql)\n"
        + "  > called by model orders (models/orders.sql)")
  }

  @Test func databaseErrorsNameTheCompiledFile() {
    var error = DBTError(.database, "relation does not exist", node: model)
    error.compiledPath = "target/run/shop/models/orders.sql"
    #expect(
      error.description == "Database Error in model orders (models/orders.sql)\n  relation does not exist\n"
        + "  compiled code at target/run/shop/models/orders.sql")
  }

  @Test func undefinedNamesGetDBTsHint() {
    let error = DBTError(JinjaError(.undefined, "'foo' is undefined"), node: model)
    #expect(
      error.description
        == "Compilation Error in model orders (models/orders.sql)\n  'foo' is undefined. This can happen when "
        + "calling a macro that does not exist. Check for typos and/or install package dependencies with \"dbt deps\".")
  }

  @Test func errorsOfTheHostKeepTheirKindThroughTheTemplateEngine() {
    var jinja = JinjaError(.host, "wrapped", underlying: DBTError(.database, "deadlock"))
    jinja.macroStack = [JinjaError.Frame(name: "m", path: "macros/m.sql", line: 3)]
    jinja.path = "macros/m.sql"
    jinja.line = 3
    let error = DBTError(jinja, node: model)
    #expect(error.kind == .database)
    #expect(error.stack == [macro])
    #expect(error.location?.line == 3)
  }

  @Test func otherErrorsBecomeRuntimeErrors() {
    struct Odd: Error, CustomStringConvertible { var description: String { "odd" } }
    #expect(DBTError(Odd(), node: nil).description == "Runtime Error\n  odd")
  }
}
