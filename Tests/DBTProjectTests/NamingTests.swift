import DBTContext
import OrderedCollections
import PlainData
import Testing

@testable import DBTProject

@Suite struct NamingTests {
  private func definition(
    _ entry: PlainValue, column: String? = nil, kind: TestTarget.Kind = .model(version: nil)
  ) throws -> GenericTestDefinition {
    let target = TestTarget(
      kind: kind, name: "stg_a", packageName: "shop", path: "models/schema.yml", fileKeyName: "models.stg_a")
    return try GenericTestDefinition(entry, target: target, columnName: column, usesArguments: true) { .string($0) }
  }

  @Test func namesAndHashesAreThoseOfDbt() throws {
    // Taken from a manifest that dbt 1.12.6 wrote.
    let unique = try definition("unique", column: "id")
    #expect(unique.fullName == "unique_stg_a_id")
    #expect(unique.hash == "944f84deb7")
    #expect(unique.rawCode == "{{ test_unique(**_dbt_generic_test_kwargs) }}")
    let related = try definition(["relationships": ["to": "ref('b')", "field": "id"]], column: "id")
    #expect(related.fullName == "relationships_stg_a_id__id__ref_b_")
    #expect(related.hash == "1c24a9acc8")
    let accepted = try definition(
      [
        "accepted_values": ["values": ["a", "b", "some very long value that makes the name long"], "quote": true]
      ], column: "kind")
    #expect(
      accepted.fullName == "accepted_values_stg_a_kind__True__a__b__some_very_long_value_that_makes_the_name_long")
    #expect(accepted.shortName == "accepted_values_stg_a_5ff26d926e99db3e34cf8478388f379a")
    #expect(accepted.hash == "2608afe195")
    #expect(
      accepted.rawCode
        == "{{ test_accepted_values(**_dbt_generic_test_kwargs) }}{{ config(alias=\"accepted_values_stg_a_5ff26d926e99db3e34cf8478388f379a\") }}"
    )
  }

  @Test func sourcesNamespacesAndOwnNames() throws {
    let source = try definition("not_null", column: "id", kind: .source("raw"))
    #expect(source.fullName == "source_not_null_raw_stg_a_id")
    #expect(source.arguments["model"] == "{{ get_where_subquery(source('raw', 'stg_a')) }}")
    let spaced = try definition(["dbt_utils.at_least_one": ["name": "mine", "config": ["severity": "warn"]]])
    #expect(spaced.namespace == "dbt_utils")
    #expect(spaced.fullName == "mine")
    #expect(
      spaced.rawCode == "{{ dbt_utils.test_at_least_one(**_dbt_generic_test_kwargs) }}{{ config(severity=\"warn\") }}")
  }

  @Test(arguments: [
    PlainValue.int(1), ["a": 1, "b": 2], ["unique": ["model": "x"]], ["unique": [1]], "not-a-name!",
  ])
  func malformedTestsAreRefused(entry: PlainValue) {
    #expect(throws: ProjectError.self) { try definition(entry) }
  }

  @Test(arguments: [
    ("ref('a')", "a", nil), ("ref(\"p\", 'a')", "a", "p"), (" ref( 'a' , v=2 ) ", "a", nil),
  ])
  func references(text: String, name: String, package: String?) {
    guard case .ref(let reference)? = ReferenceExpression(text) else {
      Issue.record("not a ref: \(text)")
      return
    }
    #expect(reference.name == name)
    #expect(reference.package == package)
  }

  @Test(arguments: ["ref()", "ref(a)", "source('a')", "model('a')", "ref('a'", "ref('a', 'b', 'c')"])
  func whatIsNoReference(text: String) { #expect(ReferenceExpression(text) == nil) }

  @Test(arguments: [
    (PlainValue.string("it's"), "\"it's\""), (.string("a\"b'c"), "'a\"b\\'c'"), (.string("é\n\u{1}"), "'é\\n\\x01'"),
    (PlainValue.object(["k": [true, nil, 1.0]]), "{'k': [True, None, 1.0]}"),
  ])
  func pythonRepresentations(value: PlainValue, text: String) { #expect(value.pythonRepresentation == text) }
}

/// Aliases, schemas and databases come from macros, most of them without running one.
@Suite struct GeneratedNameTests {
  private static let models = [
    "models/plain.sql": "select 1",
    "models/named.sql": "{{ config(alias='  other ', schema='x', database='d') }} select 1",
    "models/empty.sql": "{{ config(alias='') }} select 1", "models/v.sql": "select 1",
    "models/p.yml": "models: [{name: v, versions: [{v: 1, defined_in: v}]}]",
  ]

  private func aliases(_ macros: [String: String]) throws -> [String: String] {
    let fixture = try ProjectFixture(Self.models.merging(macros) { $1 })
    let nodes = try fixture.load(macros: DBTOracle.macroPackages.get()).manifest.nodes
    return Dictionary(uniqueKeysWithValues: nodes.values.map { ($0.uniqueID, "\($0.schema).\($0.alias)") })
  }

  @Test func standardNamesAreWhatTheMacrosGive() throws {
    let names = try aliases([:])
    #expect(
      names == [
        "model.shop.plain": "an.plain", "model.shop.named": "an_x.other", "model.shop.empty": "an.empty",
        "model.shop.v.v1": "an.v_v1",
      ])
    // The same texts as the project's own macros, which are always run.
    let own = try aliases([
      "macros/names.sql": """
      {% macro generate_alias_name(custom_alias_name=none, node=none) -%}
        {%- if custom_alias_name -%} {{ custom_alias_name | trim }}
        {%- elif node.version -%} {{ return(node.name ~ "_v" ~ (node.version | replace(".", "_"))) }}
        {%- else -%} {{ node.name }} {%- endif -%}
      {%- endmacro %}
      """
    ])
    #expect(own == names)
  }

  @Test func dbtsOwnMacrosAreThoseWhoseAnswerIsKnown() throws {
    let registry = try ProjectFixture(Self.models).load(macros: DBTOracle.macroPackages.get()).macros
    let macro = try #require(registry.generateNameMacro("alias", package: "shop"))
    #expect(NameGenerator.isStandardAlias(macro, registry))
  }

  @Test(arguments: [
    "{% macro default__generate_alias_name(custom_alias_name=none, node=none) %}own_{{ node.name }}{% endmacro %}",
    "{% macro postgres__generate_alias_name(custom_alias_name=none, node=none) %}own_{{ node.name }}{% endmacro %}",
    "{% macro generate_alias_name(custom_alias_name=none, node=none) %}own_{{ node.name }}{% endmacro %}",
  ])
  func macrosOfTheProjectCount(macro: String) throws {
    #expect(try aliases(["macros/m.sql": macro])["model.shop.plain"] == "an.own_plain")
  }

  @Test func whatAMacroSawOfOneNodeDoesNotCountForAnother() throws {
    let names = try aliases([
      "macros/m.sql": """
      {% macro generate_schema_name(custom_schema_name, node) %}{{ node.name if node.name != 'plain' else node.fqn[1] ~ '_s' }}{% endmacro %}
      """
    ])
    #expect(names["model.shop.plain"] == "plain_s.plain")
    #expect(names["model.shop.empty"] == "empty.empty")
    #expect(names["model.shop.named"] == "named.other")
  }
}
