import Foundation
import OrderedCollections
import PlainData
import Testing

@testable import DBTEngine

/// What an earlier run's record says is to be repeated.
@Suite struct RetryTests {
  private static func folder(_ text: String) throws -> String {
    let folder = NSTemporaryDirectory() + "sallyport-retry-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try text.write(toFile: "\(folder)/run_results.json", atomically: false, encoding: .utf8)
    return folder
  }

  private static func document(_ arguments: String) -> String {
    """
    {"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"}, "args": \(arguments), "results": [
      {"unique_id": "operation.p.p-on-run-start-0", "status": "error"}, {"unique_id": "model.p.a", "status": "success"},
      {"unique_id": "model.p.b", "status": "error"}, {"unique_id": "model.p.c", "status": "skipped"}, {"unique_id": "test.p.d", "status": "fail"},
      {"unique_id": "test.p.e", "status": "warn"},
      {"unique_id": "model.p.f", "status": "partial success", "batch_results": {"successful": [["1", "2"]], "failed": [["2", "3"]]}}]}
    """
  }

  @Test func whatFailedIsRepeatedAsItWasAsked() throws {
    let folder = try Self.folder(
      Self.document(
        #"{"which": "build", "full_refresh": true, "vars": {"x": 1}, "select": ["+b"], "target": "prod", "threads": 3, "defer": true, "state": "s"}"#
      ))
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let retry = try RetryRequest(folder: folder, shown: "target", settings: RunSettings())
    #expect(retry.request.command == .build)
    #expect(retry.request.uniqueIDs == ["model.p.b", "model.p.c", "test.p.d", "model.p.f"])
    #expect(retry.request.settings.fullRefresh && retry.request.settings.defers && !retry.request.settings.failFast)
    #expect(retry.request.settings.vars == ["x": 1] && retry.request.select == ["+b"])
    #expect(retry.targetName == "prod" && retry.threads == 3 && retry.stateFolder == "s" && !retry.isDone)
    #expect(retry.request.previousBatches["model.p.f"]?["failed"] == [["2", "3"]])
    #expect(retry.request.previousOverloads.isEmpty)
    var settings = RunSettings()
    settings.vars = ["y": 2]
    settings.warnError = true
    let strict = try RetryRequest(folder: folder, shown: "target", settings: settings)
    #expect(strict.request.settings.vars == ["y": 2])
    #expect(strict.request.uniqueIDs?.contains("test.p.e") ?? false)
  }

  @Test func whatCannotBeRepeatedIsRefused() throws {
    #expect(throws: EngineError.self) { try RetryRequest(folder: "/nowhere", shown: "target", settings: RunSettings()) }
    for arguments in [#"{"which": "list"}"#, "{}", #"{"which": "freshness"}"#] {
      let folder = try Self.folder(Self.document(arguments))
      defer { try? FileManager.default.removeItem(atPath: folder) }
      #expect(throws: EngineError.self) { try RetryRequest(folder: folder, shown: "target", settings: RunSettings()) }
    }
  }
}
