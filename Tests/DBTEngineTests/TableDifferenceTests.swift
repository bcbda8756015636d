import Foundation
import Jinja
import OrderedCollections
import PlainData
import Testing

@testable import DBTEngine

@Suite struct TableDifferenceTests {
  @Test func showsChangedNewAndMissingRows() {
    let difference = TableDifference(
      columns: ["id", "name"], expected: [[.int(1), .string("a")], [.int(2), .string("b")], [.int(3), .none]],
      actual: [[.int(2), .string("x")], [.int(1), .string("a")], [.int(4), .string("d")]])
    #expect(difference.isDifferent)
    #expect(difference.rendered() == "@@ ,id,name\r\n   ,1 ,a\r\n→  ,2 ,b→x\r\n+++,4 ,d\r\n---,3 ,null\r\n")
  }

  @Test func theOrderOfRowsDoesNotCount() {
    let rows: [[Value]] = [[.int(1)], [.int(2)], [.none]]
    #expect(!TableDifference(columns: ["id"], expected: rows, actual: rows.reversed()).isDifferent)
  }

  /// Three hundred pairs of tables, with what daff itself prints for each.
  @Test func printsWhatDaffPrints() throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let package = tests.deletingLastPathComponent().deletingLastPathComponent()
    let process = Process()
    let venv =
      ProcessInfo.processInfo.environment["SALLYPORT_VENV"] ?? package.appendingPathComponent(".cache/venv").path
    process.executableURL = URL(fileURLWithPath: venv + "/bin/python")
    process.arguments = [tests.appendingPathComponent("Differential/daff_cases.py").path, "7", "300"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    var count = 0
    var failures: [String] = []
    for line in output.split(separator: "\n") {
      let known = try PlainValue(jsonText: String(line))
      func rows(_ name: String) -> [[Value]] {
        (known[name]?.arrayValue ?? []).map { ($0.arrayValue ?? []).map(Value.init) }
      }
      let difference = TableDifference(
        columns: (known["columns"]?.arrayValue ?? []).compactMap(\.stringValue), expected: rows("expected"),
        actual: rows("actual"))
      count += 1
      let wanted = known["text"]?.stringValue ?? ""
      if difference.isDifferent != known["different"]?.boolValue {
        failures.append("differs: \(difference.isDifferent): \(line)")
      } else if difference.isDifferent, difference.rendered() != wanted {
        failures.append("\(line)\n\(wanted)\n--- ours\n\(difference.rendered())")
      }
    }
    #expect(count == 300)
    #expect(failures.isEmpty, "\(failures.count) of \(count) differ:\n\(failures.prefix(5).joined(separator: "\n"))")
  }
}
