import DBTContext
import Foundation
import Testing

@testable import sallyport

/// dbt's log file on disk.
struct DBTLogFileTests {
  @Test("a file that would outgrow its limit becomes dbt.log.1, and five old ones are kept")
  func rotation() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)/deep").path
    defer { try? FileManager.default.removeItem(atPath: (folder as NSString).deletingLastPathComponent) }
    let log = DBTLogFile(folder: folder, level: .debug, limit: 100)
    for number in 0..<20 { log.append("line \(number) " + String(repeating: "x", count: 50) + "\n") }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(names == ["dbt.log", "dbt.log.1", "dbt.log.2", "dbt.log.3", "dbt.log.4", "dbt.log.5"])
    let newest = try String(contentsOfFile: folder + "/dbt.log", encoding: .utf8)
    #expect(newest.hasPrefix("line 19 "))
    let older = try String(contentsOfFile: folder + "/dbt.log.1", encoding: .utf8)
    #expect(older.hasPrefix("line 18 "))
  }

  @Test("without a limit the file grows, and a second writer goes on where the first ended")
  func appending() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for text in ["one\n", "two\n"] { DBTLogFile(folder: folder, level: .info, limit: 0).append(text) }
    #expect(try String(contentsOfFile: folder + "/dbt.log", encoding: .utf8) == "one\ntwo\n")
  }

  @Test("a folder that cannot be made loses the lines and nothing else")
  func unwritable() {
    DBTLogFile(folder: "/proc/none/logs", level: .info, limit: 0).append("lost\n")
  }
}
