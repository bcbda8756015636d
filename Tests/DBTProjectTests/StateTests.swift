import Foundation
import OrderedCollections
import PlainData
import Secrets
import Testing

@testable import DBTProject

/// What changed since an earlier manifest, part by part.
@Suite struct StateTests {
  private static func contract(_ columns: String, enforced: Bool = true, materialized: String = "table") throws
    -> PlainObject
  {
    let text = """
      {"contract": {"enforced": \(enforced), "checksum": "\(columns.hashValue)"}, "columns": \(columns), "constraints": [],
       "config": {"materialized": "\(materialized)"}}
      """
    return try #require(try PlainValue(jsonText: text).objectValue)
  }

  private static let id =
    #"{"id": {"name": "id", "data_type": "int", "constraints": [{"type": "not_null", "name": null}]}}"#

  @Test func contractsThatOnlyGrowBreakNothing() throws {
    let old = try Self.contract(Self.id)
    #expect(ContractComparison(old: old, new: old).isSame)
    let wider = try Self.contract(Self.id.replacing("\"int\"", with: "\"INT(8)\""))
    let comparison = ContractComparison(old: old, new: wider)
    #expect(!comparison.isSame && comparison.breaks.isEmpty)
    let loose = try Self.contract(Self.id, enforced: false)
    #expect(ContractComparison(old: loose, new: loose).isSame)
    #expect(!ContractComparison(old: loose, new: old).isSame)
    #expect(ContractComparison(old: loose, new: old).breaks.isEmpty)
  }

  @Test func contractsThatTakeSomethingAwayBreak() throws {
    let old = try Self.contract(Self.id)
    #expect(ContractComparison(old: old, new: try Self.contract("{}")).breaks == ["Columns were removed: \n    - id"])
    let retyped = try Self.contract(Self.id.replacing("\"int\"", with: "\"text\""))
    #expect(
      ContractComparison(old: old, new: retyped).breaks == ["Columns with data_type changes: \n    - id (int -> text)"])
    let free = try Self.contract(Self.id.replacing(#"{"type": "not_null", "name": null}"#, with: ""))
    #expect(
      ContractComparison(old: old, new: free).breaks
        == ["Enforced column level constraints were removed: \n    - 'not_null' constraint on column id"])
    let view = try Self.contract(Self.id.replacing("null}", with: "null }"), materialized: "view")
    #expect(
      ContractComparison(old: old, new: view).breaks
        == ["Materialization changed with enforced constraints: \n    - table -> view"])
    let dropped = ContractComparison(old: old, new: try Self.contract(Self.id, enforced: false))
    #expect(dropped.breaks.first?.hasPrefix("Contract enforcement was removed") ?? false)
  }

  @Test func valuesAreEqualAsInPython() {
    #expect(StateDocument.equal(.int(1), .double(1)))
    #expect(StateDocument.equal(nil, .null))
    #expect(StateDocument.equal(["a": 1, "b": nil], ["b": nil, "a": 1]))
    #expect(StateDocument.equal(["a": 1, "b": nil], ["a": 1]))
    #expect(!StateDocument.equal(["a", "b"], ["b", "a"]))
    #expect(!StateDocument.equal(true, "true"))
  }

  @Test func sourcesAreFresherWhenLaterOrNew() throws {
    let folder = NSTemporaryDirectory() + "sallyport-sources-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func write(_ place: String, _ times: [String: String?]) throws {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(place)", withIntermediateDirectories: true)
      let results = times.map { id, time -> PlainValue in
        ["unique_id": .string(id), "max_loaded_at": time.map { .string($0) } ?? .null]
      }
      let document: PlainValue = [
        "metadata": ["dbt_schema_version": "https://schemas.getdbt.com/dbt/sources/v3.json"],
        "results": .array(results),
      ]
      try document.json().write(toFile: "\(folder)/\(place)/sources.json", atomically: false, encoding: .utf8)
    }
    try write("old", ["a": "2026-01-01T00:00:00.5Z", "b": "2026-01-01T00:00:00+00:00", "d": "2026-01-02T00:00:00Z"])
    try write(
      "new",
      [
        "a": "2026-01-01T00:00:00.50001+00:00", "b": "2026-01-01T00:00:00.000000Z", "c": "2020-01-01T00:00:00Z",
        "d": nil,
      ])
    let state = try PreviousState(folder: "old", root: folder, target: "new")
    #expect(try state.fresherSources() == ["a", "c"])
    #expect(throws: ProjectError.self) { try state.ids(status: "error") }
    #expect(state.manifest == nil)
  }

  @Test func artifactsOfOtherVersionsAreRefused() throws {
    let folder = NSTemporaryDirectory() + "sallyport-artifact-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for text in [
      "{", "[]", #"{"metadata": {}}"#,
      #"{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v3.json"}}"#,
      #"{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/v12.json"}}"#,
    ] {
      try text.write(toFile: "\(folder)/manifest.json", atomically: false, encoding: .utf8)
      #expect(throws: ProjectError.self, "\(text)") { try PreviousState(folder: folder, root: "/", target: nil) }
    }
  }

  @Test func selectorsAreKeptTakenApart() throws {
    let entries = try PlainValue(
      jsonText: """
        [{"name": "a", "definition": "2+tag:x+"}, {"name": "b", "definition": {"union": ["@m", {"tag": "y"}, {"exclude": ["config.a.b:z"]}]}},
         {"name": "c", "definition": {"method": "fqn", "value": "q", "parents": true}}]
        """)
    let expected = try PlainValue(
      jsonText: """
        {"a": {"name": "a", "definition": {"parents": true, "parents_depth": "2", "method": "tag", "value": "x", "children": true}},
         "b": {"name": "b", "definition": {"union": [{"childrens_parents": true, "method": "fqn", "value": "m"},
           {"method": "tag", "value": "y"}, {"exclude": [{"method": "config.a.b", "value": "z"}]}]}},
         "c": {"name": "c", "definition": {"method": "fqn", "value": "q", "parents": true}}}
        """)
    #expect(PlainValue.object(SelectorDocument.definitions(entries.arrayValue ?? [])) == expected)
  }
}

/// Templates so plain that they need not be rendered.
@Suite struct StaticTemplateTests {
  @Test func plainCallsAreRead() throws {
    let reading = try #require(
      StaticTemplate.reading(
        of:
          "{{ config(materialized='table', tags=['a']) }} {# {{ x }} #} select * from {{ ref('p', 'm', v=2) }}, {{source('s', \"t\")}}"
      ))
    #expect(reading.refs == [RefArguments(name: "m", package: "p", version: 2)])
    #expect(reading.sources == [["s", "t"]])
    #expect(reading.calls == [["materialized": "table", "tags": ["a"]]])
  }

  @Test(arguments: [
    "{% if x %}{% endif %}", "{{ ref(name) }}", "{{ my_macro() }}", "{{ ref('a') | upper }}", "{{- ref('a') }}",
    "{{ ref('a\\'b') }}",
    "{{ source(source_name='a', table_name='b') }}", "{{ config(pre_hook='x') }}", "{{ ref() }}",
    "{{ ref('a', 'b', 'c') }}", "{{ source('a') }}",
    "{{ config() }}", "{{ ref('a'", "{# open",
  ]) func othersAreRendered(_ code: String) { #expect(StaticTemplate.reading(of: code) == nil) }
}

/// What is declared in `packages.yml`, and its hash.
@Suite struct PackageTests {
  /// The hash is one that dbt wrote.
  @Test func theHashIsDbts() throws {
    let declaration = try PackageDeclaration(["local": "packages/lib"], written: ["local": "packages/lib"])
    #expect(
      try declaration.hashed(ProcessEnvironment(values: [:]))
        == #"{"local": "packages/lib", "unrendered": {"local": "packages/lib"}}"#)
    #expect(
      try PackageDeclaration.hash([declaration], ProcessEnvironment(values: [:]))
        == "2ed71fc68dd8b183d7d11f3ccb5e77eb97687c09")
  }

  @Test func everyKindIsHashedWithTheFieldsItLacks() throws {
    func hashed(_ text: String) throws -> String {
      let value = try PlainValue(jsonText: text)
      return try PackageDeclaration(value, written: value).hashed(ProcessEnvironment(values: [:]))
    }
    #expect(
      try hashed(#"{"package": "a/b", "version": 1.2}"#)
        == #"{"install_prerelease": false, "package": "a/b", "unrendered": {"package": "a/b", "version": 1.2}, "version": 1.2}"#
    )
    #expect(
      try hashed(#"{"git": "https://x/z.git", "warn-unpinned": false}"#)
        == #"{"git": "https://x/z.git", "revision": null, "subdirectory": null, "unrendered": {"git": "https://x/z.git", "warn-unpinned": false}, "warn-unpinned": false}"#
    )
    #expect(
      try hashed(#"{"tarball": "https://x/t.tgz", "name": "t"}"#)
        == #"{"name": "t", "tarball": "https://x/t.tgz", "unrendered": {"name": "t", "tarball": "https://x/t.tgz"}}"#)
  }

  @Test(arguments: [#"{}"#, #"{"local": ""}"#, #"{"package": "a/b"}"#, #""text""#]) func wrongEntriesAreRefused(
    _ text: String
  ) throws {
    let value = try PlainValue(jsonText: text)
    #expect(throws: ProjectError.self) { try PackageDeclaration(value, written: value) }
  }

  @Test func theLockIsWrittenInDbtsLayout() throws {
    let lock = PackageLock(
      packages: [["local": "../x y: z", "name": "lib"], ["package": "a/b", "version": "1.0", "name": "b"]], hash: "12ab"
    )
    #expect(
      try lock.text()
        == "packages:\n  - local: '../x y: z'\n    name: lib\n  - name: b\n    package: a/b\n    version: '1.0'\nsha1_hash: 12ab\n"
    )
  }
}
