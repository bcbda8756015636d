import OrderedCollections
import PlainData
import Testing

@testable import sallyport

@Suite struct DBTWarningNamesTests {
  @Test(arguments: [
    ("{}", nil),
    ("{\"error\": \"all\", \"warn\": [\"NothingToDo\"]}", nil),
    ("{\"include\": \"*\", \"exclude\": [\"NoNodesForSelectionCriteria\"]}", nil),
    ("{\"error\": [\"Deprecations\"], \"warn\": [\"ModelParamUsageDeprecation\"]}", nil),
    // An event of dbt 2, which dbt 1 takes.
    ("{\"silence\": [\"AuthenticationFailed\"]}", nil),
    ("{\"error\": [\"NothingToDo\"], \"silence\": null}", nil),
    ("{\"error\": [\"Nope\"]}", "Nope is not a valid dbt error name."),
    ("{\"silence\": [\"NothingToDo\", 7]}", "7 is not a valid dbt error name."),
    ("{\"error\": \"some\"}", "error must be one of ('all', '*') or a list of strings"),
    (
      "{\"warn\": [\"NothingToDo\"]}",
      "`warn` can only be specified if `error` is one of ('all', '*') or Deprecations is in `error` or silence."
    ),
  ])
  func namesAreDBTs(text: String, fault: String?) throws {
    #expect(DBTWarningNames.fault(in: try PlainValue(jsonText: text).objectValue ?? [:]) == fault)
  }
}
