import Foundation
import OrderedCollections
import PlainData
import Testing

@testable import DBTProject

@Suite struct FileTests {
  @Test(arguments: [
    ("*.sql", "models/a.sql", true), ("*.sql", "models/a.yml", false), ("models/old", "models/old/a.sql", true),
    ("/models/*.sql", "models/a.sql", true), ("/models/*.sql", "models/x/a.sql", false),
    ("old/", "models/old/a.sql", true),
    ("old/", "models/old", false), ("models/**/b.sql", "models/x/y/b.sql", true), ("# note", "# note", false),
    ("a?c.sql", "abc.sql", true), ("[!a]b.sql", "ab.sql", false),
  ])
  func ignoreRules(rule: String, path: String, isIgnored: Bool) {
    #expect(IgnoreRules(rule).ignores(path) == isIgnored)
  }

  @Test func laterRulesWin() {
    let rules = IgnoreRules("*.sql\n!keep.sql\n")
    #expect(rules.ignores("models/a.sql"))
    #expect(!rules.ignores("models/keep.sql"))
  }

  @Test func blocksAreCutOut() throws {
    var scanner = BlockScanner(
      "{# {% snapshot no %} #}\n{% raw %}{% snapshot neither %}{% endraw %}\n{% snapshot one -%}\n a '{%' {{ config(x='%}') }} {%- endsnapshot %}"
        + "{% snapshot two %}b{% if true %}c{% endif %}{% endsnapshot %}",
      tag: "snapshot")
    let blocks = try scanner.blocks()
    #expect(blocks.map(\.name) == ["one", "two"])
    #expect(blocks.map(\.contents) == ["a '{%' {{ config(x='%}') }}", "b{% if true %}c{% endif %}"])
    #expect(blocks.map(\.line) == [3, 4])
  }

  @Test func whatStandsBesideBlocksIsNoted() throws {
    var scanner = BlockScanner(
      "{% raw %}{% x %}{% endraw %}{% set a %}{% endset %}{% macro f() %}{% if x %}{% endif %}{% endmacro %}{% endmacro %}",
      tags: ["macro", "test"])
    #expect(try scanner.blocks().map(\.full) == ["{% macro f() %}{% if x %}{% endif %}{% endmacro %}"])
    #expect(scanner.unexpected == ["raw", "set", "endset", "endmacro"])
  }

  @Test(arguments: [
    "{% snapshot a %}", "{% snapshot a %}{% snapshot b %}", "{% snapshot %}{% endsnapshot %}", "{% snapshot a",
  ])
  func brokenBlocksAreRefused(text: String) {
    #expect(throws: ProjectError.self) {
      var scanner = BlockScanner(text, tag: "snapshot")
      _ = try scanner.blocks()
    }
  }

  @Test func checksumsIgnoreLayout() {
    let one = SourceFile.checksum("select 1\n  from  a")
    #expect(one == SourceFile.checksum("select 1 from a"))
  }

  @Test(arguments: [
    ("models/*.sql", "models/a.sql", true), ("models/*.sql", "models/x/a.sql", false),
    ("**/a.sql", "models/x/a.sql", true),
    ("./models/", "models", true), ("models", "models/a.sql", false),
  ])
  func pathPatterns(pattern: String, path: String, matches: Bool) {
    #expect(PathPattern(pattern).matches(path) == matches)
  }

  @Test func assetsAreReplacedByWhatTheirFoldersHold() throws {
    let fixture = try ProjectFixture([
      "dbt_project.yml": "name: shop\nprofile: shop\nasset-paths: [pictures, none, target]\n",
      "pictures/a.svg": "<svg/>", "pictures/deep/b.svg": String(repeating: "b", count: 100_000),
      "target/pictures/old.svg": "old", "target/none/old.svg": "old", "target/kept.json": "{}",
    ])
    try FileManager.default.createSymbolicLink(
      atPath: fixture.folder + "/pictures/link.svg", withDestinationPath: "a.svg")
    let document: PlainObject = ["name": "shop", "asset-paths": ["pictures", "none", "target"]]
    let project = try ProjectConfig(document, unrendered: document, root: fixture.folder)
    let target = fixture.folder + "/target"
    for _ in 0..<2 { try AssetFolders(of: project).copy(to: target) }
    let found = try FileManager.default.subpathsOfDirectory(atPath: target).sorted()
    #expect(
      found == ["kept.json", "pictures", "pictures/a.svg", "pictures/deep", "pictures/deep/b.svg", "pictures/link.svg"])
    #expect(try String(contentsOfFile: target + "/pictures/deep/b.svg", encoding: .utf8).count == 100_000)
    let kind = try FileManager.default.attributesOfItem(atPath: target + "/pictures/link.svg")[.type]
    #expect(kind as? FileAttributeType == .typeRegular)
  }

  @Test func assetsOfFoldersWithoutEndAreRefused() throws {
    let fixture = try ProjectFixture(["pictures/a.svg": "<svg/>"])
    try FileManager.default.createSymbolicLink(atPath: fixture.folder + "/pictures/again", withDestinationPath: ".")
    let document: PlainObject = ["name": "shop", "asset-paths": ["pictures"]]
    let project = try ProjectConfig(document, unrendered: document, root: fixture.folder)
    #expect(throws: ProjectError.self) { try AssetFolders(of: project).copy(to: fixture.folder + "/target") }
  }
}
