import Foundation
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

  @Test(arguments: ["{% snapshot a %}", "{% endsnapshot %}", "{% snapshot %}{% endsnapshot %}", "{% snapshot a"])
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
}
