import OrderedCollections
import PlainData
import Secrets
import Synchronization
import Testing

@testable import DBTContext

struct DeprecationsTests {
  /// An invocation whose lines are kept.
  private final class Kept: Sendable {
    let lines = Mutex<[LogLine]>([])
    var messages: [String] { lines.withLock { $0.map(\.message) } }

    func invocation(_ flags: PlainObject) -> Invocation {
      Invocation(
        environment: ProcessEnvironment(values: [:]),
        flags: InvocationFlags(flags.merging(["use_colors": false]) { own, _ in own }), invocationID: "1",
        startedAt: PythonDateTime(PythonDate.epoch), sink: { line in self.lines.withLock { $0.append(line) } })
    }
  }

  @Test func theFirstIsToldAndAllAreCounted() throws {
    let kept = Kept()
    let invocation = kept.invocation([:])
    for name in ["one", "two"] { try invocation.deprecate("DuplicateYAMLKeysDeprecation", "Duplicate key '\(name)'") }
    try invocation.deprecate("ExposureNameDeprecation", "a name")
    try invocation.warnOfDeprecations()
    #expect(
      kept.messages == [
        "[WARNING][DuplicateYAMLKeysDeprecation]: Deprecated functionality\nDuplicate key 'one'",
        "[WARNING]: Deprecated functionality\na name",
        """
        [WARNING][DeprecationsSummary]: Deprecated functionality
        Summary of encountered deprecations:
        - DuplicateYAMLKeysDeprecation: 2 occurrences
        - ExposureNameDeprecation: 1 occurrence
        To see all deprecation instances instead of just the first occurrence of each,
        run command again with the `--show-all-deprecations` flag. You may also need to
        run with `--no-partial-parse` as some deprecations are only encountered during
        parsing.
        """,
      ])
  }

  @Test func allAreToldWhenAskedFor() throws {
    let kept = Kept()
    let invocation = kept.invocation(["show_all_deprecations": true])
    for name in ["one", "two"] { try invocation.deprecate("ExposureNameDeprecation", name) }
    try invocation.warnOfDeprecations()
    #expect(kept.messages.count == 3)
    #expect(kept.messages.last?.hasSuffix("- ExposureNameDeprecation: 2 occurrences") ?? false)
  }

  @Test func nothingMetIsNothingSaid() throws {
    let kept = Kept()
    try kept.invocation([:]).warnOfDeprecations()
    #expect(kept.messages.isEmpty)
  }

  @Test func whatCountsAsAnErrorIsNotCounted() throws {
    let kept = Kept()
    let invocation = kept.invocation(["warn_error_options": ["error": ["Deprecations"], "warn": [], "silence": []]])
    #expect(throws: DBTError.self) { try invocation.deprecate("ExposureNameDeprecation", "a name") }
    #expect(invocation.deprecations.occurrences.isEmpty)
    let silent = kept.invocation(["warn_error_options": ["error": [], "warn": [], "silence": ["Deprecations"]]])
    try silent.deprecate("ExposureNameDeprecation", "a name")
    try silent.warnOfDeprecations()
    #expect(silent.deprecations.occurrences == ["ExposureNameDeprecation": 1])
    #expect(kept.messages.isEmpty)
  }

  @Test func copiesCountTogether() throws {
    let kept = Kept()
    let invocation = kept.invocation([:])
    var copy = invocation
    copy.target = nil
    try copy.deprecate("ExposureNameDeprecation", "a")
    try invocation.deprecate("ExposureNameDeprecation", "b")
    #expect(invocation.deprecations.occurrences == ["ExposureNameDeprecation": 2])
    #expect(kept.messages.count == 1)
  }

  /// As Python's `textwrap.fill` with `break_on_hyphens=False` wraps them.
  @Test(arguments: [
    ("one two three", 7, "one two\nthree"), ("one  two", 5, "one\ntwo"), ("  one two", 6, "  one\ntwo"),
    ("a-b-c-d e", 5, "a-b-c\n-d e"), ("ab cdefghij kl", 6, "ab cde\nfghij\nkl"), ("one\ntwo", 80, "one two"),
    ("one\n\ntwo", 80, "one\ntwo"), ("one \n\n two", 80, "one\n two"), ("", 80, ""), ("abc", 1, "a\nb\nc"),
  ])
  func textsAreWrappedAsByPython(text: String, width: Int, wrapped: String) {
    #expect(WrappedText(width: width).wrapped(text) == wrapped)
  }

  @Test func hiddenCharactersTakeRoomOfTheFirstLine() {
    #expect(WrappedText(width: 10, hidden: 3).wrapped("one two three four") == "one two\nthree four")
    #expect(WrappedText(width: 10, hidden: 4).wrapped("one two three four") == "one\ntwo three\nfour")
  }
}
