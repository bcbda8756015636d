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
