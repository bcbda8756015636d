import Foundation
import TestSupport
import Testing

/// The generated sources are what the definitions say, and the definitions are what Temporal says.
@Suite struct GenerationTests {
  @Test func committedSourcesAreWhatTheGeneratorWrites() throws {
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent(
      "sallyport-generated-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: scratch) }
    let (status, output) = try Repository.run(
      Repository.root.appendingPathComponent("Protos/generate").path, ["--output", scratch.path])
    try #require(status == 0, "Protos/generate failed: \(output)")
    for folder in ["Sources/CTemporalAPI", "Sources/TemporalMessages/Generated"] {
      let fresh = try Repository.files(below: scratch.appendingPathComponent(folder))
      let committed = try Repository.files(below: Repository.root.appendingPathComponent(folder))
      let different = Set(fresh.keys).union(committed.keys).filter { fresh[$0] != committed[$0] }.sorted()
      #expect(different == [], "\(folder) is stale: run Protos/generate")
    }
  }

  @Test func definitionsAgreeWithTheOfficialPackage() throws {
    let script = Repository.root.appendingPathComponent("Protos/compare").path
    let output = try PythonPeer.run(
      """
      import runpy, sys
      try:
          runpy.run_path(\(quoted(script)), run_name="__main__")
      except SystemExit as end:
          if isinstance(end.code, str): print(end.code)
      """)
    #expect(output.hasSuffix("agree\n"), "\(output)")
  }

  private func quoted(_ text: String) -> String {
    "'" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "'", with: "\\'") + "'"
  }
}
