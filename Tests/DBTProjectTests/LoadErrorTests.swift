import DBTContext
import Foundation
import OrderedCollections
import PlainData
import Secrets
import Testing

@testable import DBTProject

/// What a project gets wrong is said with its place and in dbt's words.
@Suite struct LoadErrorTests {
  private func failure(_ files: [String: String], profiles: String? = ProjectFixture.profiles) throws -> String {
    let fixture = try ProjectFixture(files, profiles: profiles)
    let macros = try DBTOracle.macroPackages.get()
    do {
      _ = try fixture.load(macros: macros)
    } catch {
      return "\(error)"
    }
    return "no error"
  }

  @Test func unknownReferences() throws {
    let text = try failure(["models/a.sql": "select * from {{ ref('nobody') }}"])
    #expect(text.hasPrefix("Compilation Error\n"))
    #expect(text.contains("Model 'model.shop.a' (models/a.sql) depends on a node named 'nobody' which was not found"))
    let source = try failure(["models/a.sql": "select * from {{ source('x', 'y') }}"])
    #expect(source.contains("depends on a source named 'x.y' which was not found"))
  }

  @Test func badYAMLShowsItsLine() throws {
    let text = try failure([
      "models/a.sql": "select 1", "models/p.yml": "models:\n  - name: a\n    columns: [a, b\n  - c\n",
    ])
    #expect(text.contains("Error reading shop: p.yml"))
    #expect(text.contains("Syntax error near line"))
    #expect(text.contains("3  |     columns: [a, b\n"))
  }

  @Test func templateErrorsShowTheirPlace() throws {
    let text = try failure(["models/a.sql": "select 1\n from {{ ref('b' }}"])
    #expect(text.hasPrefix("Compilation Error in model a (models/a.sql)"))
    #expect(text.contains("line 2"))
    #expect(text.contains("ref('b' }}"))
    let raised = try failure(["models/a.sql": "{{ exceptions.raise_compiler_error('too bad') }}"])
    #expect(raised.contains("too bad"))
    let macro = try failure(["macros/m.sql": "{% macro a() %}{% if %}{% endmacro %}"])
    #expect(macro.contains("macros/m.sql"))
  }

  @Test func dispatchingToNothing() throws {
    let text = try failure(["macros/m.sql": "{% macro a() %}{{ adapter.dispatch('a', 'dbt')() }}{% endmacro %}"])
    #expect(
      text.contains(
        "In dispatch: No macro named 'a' found within namespace: 'dbt'\n      Searched for: 'shop.postgres__a'"))
    // Without a namespace any package's macro is found, as long as nothing is called.
    let other = try failure([
      "macros/m.sql": "{% macro a() %}{{ adapter.dispatch('current_timestamp')() }}{% endmacro %}"
    ])
    #expect(other == "no error")
  }

  @Test func duplicates() throws {
    let twice = try failure(["models/a.sql": "select 1", "models/x/a.sql": "select 2"])
    #expect(twice.contains("dbt found two models with the name \"a\"."))
    #expect(twice.contains("models/x/a.sql"))
    let alias = try failure(["models/a.sql": "select 1", "models/b.sql": "{{ config(alias='a') }} select 2"])
    #expect(alias.contains("dbt found two resources with the database representation \"\"d\".\"an\".\"a\"\"."))
    let patch = try failure([
      "models/a.sql": "select 1", "models/p.yml": "models: [{name: a}]", "models/q.yml": "models: [{name: a}]",
    ])
    #expect(patch.contains("dbt found two schema.yml entries for the same resource named a."))
    let macros = try failure([
      "macros/a.sql": "{% macro m() %}{% endmacro %}", "macros/b.sql": "{% macro m() %}{% endmacro %}",
    ])
    #expect(macros.contains("dbt found two macros named \"m\""))
  }

  @Test func cycles() throws {
    let text = try failure([
      "models/a.sql": "select * from {{ ref('b') }}", "models/b.sql": "select * from {{ ref('a') }}",
    ])
    #expect(text.contains("Found a cycle: model.shop.a --> model.shop.b"))
  }

  @Test func profiles() throws {
    let none = try failure([:], profiles: nil)
    #expect(none.contains("Could not find profile named 'shop'"))
    let other = try failure([:], profiles: "elsewhere:\n  outputs: {}\n")
    #expect(other.contains("Could not find profile named 'shop'"))
    #expect(other.contains(" - elsewhere"))
    let target = try failure([:], profiles: "shop:\n  target: prod\n  outputs:\n    dev: {type: postgres}\n")
    #expect(target.contains("does not have a target named 'prod'"))
    #expect(target.contains(" - dev"))
    let keys = try failure(
      [:],
      profiles:
        "shop:\n  target: d\n  outputs:\n    d: {type: postgres, host: h, port: 1, user: u, dbname: d, schema: s, hots: x}\n"
    )
    #expect(keys.contains("Additional properties are not allowed ('hots' was unexpected)"))
    let type = try failure([:], profiles: "shop:\n  target: d\n  outputs:\n    d: {type: snowflake}\n")
    #expect(type.contains("'snowflake' is not supported"))
    let variable = try failure(
      [:], profiles: "shop:\n  target: d\n  outputs:\n    d: {type: postgres, host: \"{{ env_var('NOWHERE') }}\"}\n")
    #expect(variable.contains("Env var required but not provided: 'NOWHERE'"))
  }

  @Test func passwordsComeFromFilesAndNeverShow() throws {
    let fixture = try ProjectFixture(["secret.txt": "s3cret\n"], profiles: nil)
    let profile = """
      shop:
        target: d
        outputs:
          d: {type: postgres, host: h, port: 5, user: u, password_file: "\(fixture.folder)/secret.txt", dbname: d, schema: s}
      """
    try profile.write(toFile: fixture.folder + "/profiles.yml", atomically: false, encoding: .utf8)
    let project = try fixture.load(macros: try DBTOracle.macroPackages.get())
    #expect(project.profile.password?.count == 6)
    #expect(!"\(project.profile)".contains("s3cret"))
    #expect(project.invocation.scrubber.scrub("a s3cret b") == "a ***** b")
  }

  @Test func missingPackagesAskForDeps() throws {
    let text = try failure(["packages.yml": "packages:\n  - package: dbt-labs/dbt_utils\n    version: 1.3.0\n"])
    #expect(text.contains("dbt expects 1 package(s)"))
    #expect(text.contains("Run \"dbt deps\" to install package dependencies."))
  }

  @Test func wrongConfigurationNamesTheNode() throws {
    let text = try failure(["models/a.sql": "{{ config(enabled='maybe') }} select 1"])
    #expect(text.contains("model a (models/a.sql)"))
    #expect(text.contains("'maybe' is not of type 'boolean'"))
    let snapshot = try failure(["snapshots/s.sql": "{% snapshot s %}select 1{% endsnapshot %}"])
    #expect(snapshot.contains("Snapshots must be configured with a 'strategy' and 'unique_key'."))
    let test = try failure([
      "models/a.sql": "select 1", "models/p.yml": "models: [{name: a, data_tests: [{a: 1, b: 2}]}]",
    ])
    #expect(test.contains("Invalid test config given in models/p.yml"))
    let macro = try failure(["models/a.sql": "select 1", "models/p.yml": "models: [{name: a, data_tests: [nothing]}]"])
    #expect(macro.contains("'test_nothing' is undefined"))
  }

  @Test func configurationsOutsideOfNodesAreRefusedAsBySchemas() throws {
    let text = try failure([
      "models/s.yml": "sources: [{name: raw, tables: [{name: t, config: {enabled: True and False}}]}]"
    ])
    #expect(
      text == """
        'True and False' is not of type 'boolean'

        Failed validating 'type' in schema['properties']['enabled']:
            {'type': 'boolean', 'default': True}

        On instance['enabled']:
            'True and False'

        Of source.shop.raw.t
        """)
  }

  @Test func missingTargetsOfTestsAreWarnings() throws {
    let fixture = try ProjectFixture([
      "models/a.sql": "select 1", "tests/t.sql": "select * from {{ ref('gone') }}",
      "models/p.yml": "models: [{name: zz}]",
    ])
    let project = try fixture.load(macros: try DBTOracle.macroPackages.get())
    #expect(project.warnings.map(\.name) == ["NoNodeForYamlKey", "NodeNotFoundOrDisabled"])
    #expect(try project.selector().select(["test_type:singular"], command: "test").isEmpty)
  }
}
