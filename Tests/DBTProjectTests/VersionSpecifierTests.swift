import Foundation
import OrderedCollections
import PlainData
import TestSupport
import Testing

@testable import DBTProject

/// Versions are read, compared, narrowed and chosen as by dbt, which answers beside.
@Suite struct VersionSpecifierTests {
  private static let script = """
    import json, sys
    from dbt_common import semver
    from dbt_common.exceptions import VersionsNotCompatibleError
    def read(text):
      try: return str(semver.VersionSpecifier.from_version_string(text))
      except Exception: return None
    def choose(case):
      wanted, known, pre = case
      try: reduced = semver.reduce_versions(*[semver.VersionSpecifier.from_version_string(v) for v in wanted])
      except VersionsNotCompatibleError: return ["none"]
      listed = semver.filter_installable(known, pre)
      return [str(reduced), listed, semver.resolve_to_specific_version(reduced, listed)]
    asked = json.load(sys.stdin)
    json.dump({"read": [read(t) for t in asked["read"]], "choose": [choose(c) for c in asked["choose"]]}, sys.stdout)
    """

  private struct Case {
    let wanted: [String]
    let known: [String]
    let takesPrereleases: Bool
  }

  private static func own(_ one: Case) -> PlainValue {
    guard let range = VersionRange(one.wanted.compactMap { VersionSpecifier($0) }) else { return .array(["none"]) }
    let list = VersionList(one.known, takesPrereleases: one.takesPrereleases)
    return .array([
      .string(range.description), .array(list.texts.map { .string($0) }),
      list.highest(in: range).map { .string($0) } ?? .null,
    ])
  }

  @Test func agreesWithDBT() throws {
    let texts = [
      "1.2.3", "=1.2.3", ">=1.2.3", ">1.2.3", "<1.2.3", "<=1.2.3", "1.2", "1", "", "01.2.3", "1.02.3", "1.2.03",
      "1.2.3rc1",
      "1.2.3-rc1", "1.2.3-rc.1", "1.2.3-01", "1.2.3-0", "1.2.3-", "1.2.3--", "1.2.3+b", "1.2.3-a+b.c", "1.2.3+",
      "1.2.3-+b",
      "1.2.12.3", "1.2.3.4", "1.2.30x", " 1.2.3", "1.2.3 ", ">= 1.2.3", "==1.2.3", "!=1.2.3", "~1.2.3", "1.2.3,<2.0.0",
      "v1.2.3", "1.2.3-a..b", "1.2.3-a_b", "999999999999999999999.0.0", "=>1.0.0", "<>1.0.0",
    ]
    var random = SystemRandomNumberGenerator()
    func any(_ options: [String]) -> String { options.randomElement(using: &random) ?? "" }
    let pool = [
      "1.0.0", "1.0.1", "1.1.0", "2.0.0", "1.1.0-rc1", "1.1.0-rc2", "1.1.0-rc10", "1.1.0-1", "2.0.0-a.1", "2.0.0-a",
      "10.0.0",
    ]
    let cases = (0..<3_000).map { _ in
      Case(
        wanted: (0..<Int.random(in: 0...3, using: &random)).map { _ in any(["", "=", ">", ">=", "<", "<="]) + any(pool)
        },
        known: pool.shuffled(using: &random).dropLast(Int.random(in: 0...pool.count, using: &random)).map { $0 },
        takesPrereleases: Bool.random(using: &random))
    }
    let asked: PlainValue = .object([
      "read": .array(texts.map { .string($0) }),
      "choose": .array(
        cases.map {
          .array([
            .array($0.wanted.map { .string($0) }), .array($0.known.map { .string($0) }), .bool($0.takesPrereleases),
          ])
        }),
    ])
    let answer = try PlainValue(jsonText: try PythonPeer.run(Self.script, input: asked.json()))
    let read = try #require(answer["read"]?.arrayValue)
    for (text, theirs) in zip(texts, read) {
      #expect(VersionSpecifier(text).map { .string($0.description) } ?? .null == theirs, "\(text)")
    }
    let chosen = try #require(answer["choose"]?.arrayValue)
    #expect(chosen.count == cases.count && read.count == texts.count)
    for (one, theirs) in zip(cases, chosen) { #expect(Self.own(one) == theirs, "\(one)") }
  }
}
