import Jinja
import OrderedCollections
import Testing

@testable import DBTContext

/// Adds the macros of a text to a registry.
func add(_ text: String, to registry: inout MacroRegistry, package: String, path: String = "macros/m.sql") throws {
  registry.add(package: package)
  for definition in try Template.compile(text, path: path).definitions {
    try registry.add(definition, package: package, path: path)
  }
}

/// A macro that says where it comes from.
private func named(_ name: String, _ answer: String) -> String { "{% macro \(name)() %}\(answer){% endmacro %}\n" }

@Suite struct MacroRegistryTests {
  private func registry() throws -> MacroRegistry {
    var registry = MacroRegistry(rootPackage: "shop")
    try add(
      named("both", "dbt") + named("default__pick", "dbt default") + named("generate_schema_name", "dbt")
        + "{% materialization table, default %}{% endmaterialization %}{% materialization view, default %}{% endmaterialization %}",
      to: &registry, package: "dbt")
    try add(
      named("both", "postgres") + named("postgres__pick", "postgres") + "{% test unique(model) %}{% endtest %}",
      to: &registry, package: "dbt_postgres")
    try add(
      named("both", "utils") + named("star", "utils") + named("default__only", "utils")
        + named("generate_schema_name", "utils")
        + "{% materialization view, adapter='postgres' %}{% endmaterialization %}",
      to: &registry, package: "utils")
    try add(
      named("mine", "shop") + named("postgres__only", "shop")
        + "{% materialization extra, default %}{% endmaterialization %}"
        + "{% materialization table, default %}{% endmaterialization %}",
      to: &registry, package: "shop")
    return registry
  }

  @Test func plainNamesPreferTheNodesPackageThenTheRootThenDBT() throws {
    let registry = try registry()
    #expect(registry.macro(named: "both", searchPackage: "utils")?.packageName == "utils")
    #expect(registry.macro(named: "both", searchPackage: "shop")?.packageName == "dbt_postgres")
    #expect(registry.macro(named: "mine", searchPackage: "utils")?.uniqueID == "macro.shop.mine")
    #expect(registry.macro(named: "star", searchPackage: "shop") == nil)
    #expect(registry.macro(named: "default__pick", in: "dbt")?.packageName == "dbt")
    #expect(registry.macro(named: "postgres__pick", in: "dbt")?.packageName == "dbt_postgres")
    #expect(registry.isNamespace("utils") && registry.isNamespace("dbt") && !registry.isNamespace("dbt_postgres"))
  }

  @Test func dispatchTriesPackagesAndPrefixesInOrder() throws {
    var registry = try registry()
    #expect(try registry.dispatch("pick", namespace: "dbt", searchPackage: "shop").name == "postgres__pick")
    #expect(try registry.dispatch("only", namespace: "utils", searchPackage: "utils").packageName == "shop")
    registry.dispatchOrders = ["utils": ["utils", "shop"]]
    #expect(try registry.dispatch("only", namespace: "utils", searchPackage: "utils").packageName == "utils")
    #expect(try registry.dispatch("only", namespace: nil, searchPackage: "utils").name == "postgres__only")
    let error = #expect(throws: DBTError.self) {
      try registry.dispatch("none", namespace: "utils", searchPackage: "shop")
    }
    #expect(
      error?.message == "In dispatch: No macro named 'none' found within namespace: 'utils'\n    Searched for: "
        + "'utils.postgres__none', 'utils.default__none', 'shop.postgres__none', 'shop.default__none'")
    let dotted = #expect(throws: DBTError.self) { try registry.dispatch("a.b", namespace: nil, searchPackage: "shop") }
    #expect(dotted?.message.contains("Did you mean `adapter.dispatch(\"b\", macro_namespace=\"a\")`?") == true)
  }

  @Test func materializationsPreferTheAdapterThenTheRoot() throws {
    let registry = try registry()
    #expect(registry.materialization("table")?.packageName == "shop")
    #expect(registry.materialization("extra")?.packageName == "shop")
    // A package may not replace one of dbt's.
    #expect(registry.materialization("view")?.packageName == "dbt")
    let error = #expect(throws: DBTError.self) { try registry.requiredMaterialization("cube") }
    #expect(
      error?.message
        == "No materialization 'cube' was found for adapter postgres! (searched types 'default' and 'postgres')")
  }

  @Test func namesAreGeneratedByTheNodesPackageOrTheRoot() throws {
    let registry = try registry()
    #expect(registry.generateNameMacro("schema", package: "utils")?.packageName == "utils")
    #expect(registry.generateNameMacro("schema", package: "shop")?.packageName == "dbt")
    #expect(registry.generateNameMacro("alias", package: "shop") == nil)
    #expect(registry.genericTest("unique", namespace: nil, searchPackage: "shop")?.packageName == "dbt_postgres")
  }

  @Test func twoMacrosOfOneNameInAPackageAreRefused() throws {
    var registry = try registry()
    let error = #expect(throws: DBTError.self) {
      try add(named("mine", "again"), to: &registry, package: "shop", path: "macros/n.sql")
    }
    #expect(error?.message.contains("dbt found two macros named \"mine\" in the project\n \"shop\".") == true)
  }
}
