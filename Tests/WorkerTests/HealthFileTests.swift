import EventLoop
import Foundation
import Observability
import PlainData
import Testing

@testable import Worker

@Suite struct HealthFileTests {
  let file = HealthFile(
    path: FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + "/deep/health").path)
  let state = HealthState { MonotonicTime(nanoseconds: 1_000_000_000) }

  private func healthy() -> HealthReport {
    state.loopTurned()
    state.connectionIs(HealthState.Connection(isReady: true))
    state.enter(.running)
    state.pollingBegan("workflow")
    return state.report()
  }

  private func later(_ seconds: Int64) -> Timestamp {
    var now = Timestamp.now()
    now.seconds += seconds
    return now
  }

  @Test func aFreshFileIsHealthyAndSaysTheState() throws {
    #expect(file.write(healthy(), at: .now()))
    let finding = file.inspect(now: .now())
    #expect(finding.isHealthy && finding.message.hasPrefix("healthy: running"))
    let json = try PlainValue(json: Array(Data(contentsOf: URL(filePath: file.path))))
    #expect(json["status"] == "healthy" && json["pid"]?.intValue == Int(getpid()))
    let folder = URL(filePath: file.path).deletingLastPathComponent().path
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["health"])
  }

  @Test func anOldFileIsNot() {
    #expect(file.write(healthy(), at: .now()))
    #expect(file.inspect(now: later(58)).isHealthy)
    let finding = file.inspect(now: later(75))
    #expect(!finding.isHealthy && finding.message.contains("last healthy 7"))
  }

  @Test func aMissingForeignOrFutureFileIsNot() throws {
    #expect(file.inspect(now: .now()).message.contains("no health file"))
    #expect(file.write(healthy(), at: .now()))
    #expect(file.inspect(now: later(-30)).message.contains("future"))
    try "".write(toFile: file.path, atomically: true, encoding: .utf8)
    #expect(file.inspect(now: .now()).message.contains("not written by a sallyport worker"))
    file.remove()
    #expect(!file.inspect(now: .now()).isHealthy)
  }

  @Test func aFileThatSaysUnhealthyIsBelieved() {
    #expect(file.write(HealthState().report(), at: .now()))
    #expect(file.inspect(now: .now()).message == "unhealthy: the worker says unhealthy")
  }

  @Test func aFolderThatCannotBeMadeIsReported() {
    #expect(!HealthFile(path: "/proc/none/health").write(healthy(), at: .now()))
  }
}
