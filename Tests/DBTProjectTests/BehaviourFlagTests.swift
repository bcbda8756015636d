import DBTContext
import OrderedCollections
import PlainData
import Testing

@testable import DBTProject

/// What the flags do to whole commands is compared with dbt in Tests/Conformance/test_behaviour_flags.py.
struct BehaviourFlagTests {
  @Test func everyFlagHasDBTsStandardAndTheProjectsValue() throws {
    let off = Set(BehaviourFlag.allCases.filter { !$0.standard }.map(\.rawValue))
    #expect(off.count == 12)
    #expect(BehaviourFlag.skipsNodesAfterFailedStart.standard)
    let project = try ProjectConfig(
      ["name": "shop", "flags": ["skip_nodes_if_on_run_start_fails": false, "allow_jinja_file_extensions": true]],
      unrendered: [:], root: "/p")
    #expect(!project.isOn(.skipsNodesAfterFailedStart) && project.isOn(.takesTemplateEndings))
    #expect(project.isOn(.checksMacroArguments) && !project.isOn(.requiresSchema))
    let flags = InvocationFlags().taking(project)
    #expect(flags["SKIP_NODES_IF_ON_RUN_START_FAILS"] == false && flags["VALIDATE_MACRO_ARGS"] == true)
  }

  @Test(
    arguments: [
      ("fail_fast", "maybe"), ("validate_macro_args", nil), ("printer_width", "wide"), ("log_level", 1),
      ("warn_error_options", ["error": [1]]),
    ] as [(String, PlainValue)]) func aValueOfTheWrongTypeTakesAllFlagsAway(_ name: String, _ value: PlainValue)
  {
    #expect(ProjectFlags.accepted(["unknown": 1, name: value]).isEmpty)
  }

  @Test func unknownFlagsAreKept() {
    let flags: PlainObject = [
      "unknown": "x", "fail_fast": nil, "warn_error_options": ["error": "all", "silence": ["A"]],
    ]
    #expect(ProjectFlags.accepted(flags) == flags)
  }

  @Test(arguments: [
    ("string", true), (" list [ dict[str, optional[int]] ]", true), ("dict[str]", false), ("list", false),
    ("text", false), ("int]", false), ("list[int", false), ("dict[int,int,int]", false),
  ]) func typesOfArgumentsAreDBTs(_ text: String, _ isType: Bool) {
    #expect(MacroArguments.isType(text) == isType)
  }

  @Test func typesNestedWithoutEndAreNone() {
    #expect(!MacroArguments.isType(String(repeating: "list[", count: 100_000)))
  }

  @Test func entriesOfPackagesHaveTheKeysOfOneKind() {
    func isEntry(_ entry: PlainObject) -> Bool {
      guard let origin = entry.keys.lazy.compactMap(PackageDeclaration.Origin.init(rawValue:)).first else {
        return false
      }
      return PackageEntryCheck.isEntry(entry, of: origin)
    }
    #expect(isEntry(["local": "a"]) && isEntry(["package": "a/b", "version": [">1.0.0", 2]]))
    #expect(isEntry(["git": "a", "revision": 1.5, "warn-unpinned": false, "subdirectory": nil]))
    #expect(!isEntry(["local": "a", "git": "b"]) && !isEntry(["local": 1]) && !isEntry(["tarball": "a"]))
    #expect(!isEntry(["git": "a", "version": "1.0.0"]) && !isEntry(["package": "a/b", "version": ["a": 1]]))
  }
}
