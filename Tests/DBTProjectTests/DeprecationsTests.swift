import DBTContext
import OrderedCollections
import Testing

@testable import DBTProject

/// What dbt prints of such projects is compared in Tests/Conformance/test_command_line.py.
struct ProjectDeprecationsTests {
  /// The events of the warnings that a project's files give rise to, in order.
  private func events(_ files: [String: String]) throws -> [String] {
    let project = try ProjectFixture(files).load(macros: try DBTOracle.macroPackages.get())
    return Array(project.invocation.deprecations.occurrences.keys) + project.warnings.map(\.name)
  }

  private func tests(_ list: String) -> [String: String] {
    [
      "models/a.sql": "select 1 as id",
      "models/p.yml": "models: [{name: a, columns: [{name: id, data_tests: \(list)}]}]",
    ]
  }

  @Test func testsSayArgumentsAndConfigurationApart() throws {
    #expect(try events(tests("[unique, {not_null: {name: n, description: d, config: {severity: warn}}}]")).isEmpty)
    #expect(
      try events(tests("[{accepted_values: {values: [1], severity: warn}}]")) == [
        "PropertyMovedToConfigDeprecation", "MissingArgumentsPropertyInGenericTestDeprecation",
      ])
    #expect(
      try events(tests("[{accepted_values: {arguments: {values: [1]}, where: x, tags: [t]}}]")) == [
        "PropertyMovedToConfigDeprecation", "PropertyMovedToConfigDeprecation",
      ])
    #expect(try events(tests("[{accepted_values: {arguments: {values: [1]}, quote: false}}]")).isEmpty)
  }

  @Test func filesSayThingsOnceAndInTheirPlaces() throws {
    #expect(try events(["models/p.yml": "version: 2\nversion: 2\nmodels: []"]) == ["DuplicateYAMLKeysDeprecation"])
    #expect(
      try events(["macros/m.sql": "{% set a = 1 %}{% macro m() %}{% if a %}{% endif %}{% endmacro %}"])
        == ["UnexpectedJinjaBlockDeprecation"])
    #expect(try events(["macros/m.sql": "{# {% set %} #}{% macro m() %}{% endmacro %}"]).isEmpty)
  }

  @Test func macrosBesideNonsenseAreRead() throws {
    let files = ["macros/m.sql": "{% endmacro %}\n{% macro m() %}1{% endmacro %}", "models/a.sql": "select {{ m() }}"]
    let project = try ProjectFixture(files).load(macros: try DBTOracle.macroPackages.get())
    #expect(project.manifest.macros["macro.shop.m"]?.source == "{% macro m() %}1{% endmacro %}")
    #expect(throws: ProjectError.self) { try events(["macros/m.sql": "{% macro m() %}{% endif %}{% endmacro %}"]) }
  }

  @Test func namesMayHaveNoBlanks() throws {
    let owner = "type: dashboard, owner: {email: a@b.c}"
    #expect(try events(["models/p.yml": "exposures: [{name: a page, \(owner)}]"]) == ["ExposureNameDeprecation"])
    #expect(try events(["models/p.yml": "exposures: [{name: a-page_1, \(owner)}]"]).isEmpty)
    #expect(
      try events(["models/p.yml": "sources: [{name: a source, tables: [{name: t}, {name: u}]}]"]) == [
        "SpacesInResourceNameDeprecation", "ResourceNamesWithSpacesDeprecation",
      ])
    do {
      _ = try events(["models/a b.sql": "select 1"])
      Issue.record("a model with a blank in its name was taken")
    } catch let error as ProjectError {
      #expect(
        error.description == """
          Runtime Error
            Resource names cannot contain spaces:
              * 'model.shop.a b' (models/a b.sql)
            Please rename the invalid model(s) so that their name(s) do not contain any spaces.
          """)
    }
  }

  @Test func resourcesOfOneNameAreTold() throws {
    let files = [
      "models/a.sql": "select 1 as id", "seeds/a.csv": "id\n1\n",
      "seeds/p.yml": "seeds: [{name: a, config: {schema: x}}]",
    ]
    #expect(try events(files) == ["DuplicateNameDistinctNodeTypesDeprecation"])
  }
}
