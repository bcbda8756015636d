import Foundation
import TestSupport
import Testing

@testable import Secrets

@Suite("Surveys of mounted files")
struct FileSurveyTests {
  @Test("A swap, a rename, a rewrite in place and a removal are seen; nothing is when nothing happened")
  func changes() throws {
    let mount = try SecretMount(["a": "1", "b": "1"])
    let paths = [mount.file("a"), mount.file("b")]
    let first = FileSurvey.of(paths)
    #expect(first == FileSurvey.of(paths))
    try mount.swap(["a": "1", "b": "2"])
    #expect(first != FileSurvey.of(paths))

    let folder = try TemporaryFolder()
    let file = try folder.write("c", "1")
    var last = FileSurvey.of([file])
    func hasChanged() -> Bool {
      let next = FileSurvey.of([file])
      defer { last = next }
      return next != last
    }
    try folder.write("c", "2")
    #expect(hasChanged())
    // The clock behind the times of files ticks every few milliseconds.
    usleep(20_000)
    let handle = try #require(FileHandle(forWritingAtPath: file))
    try handle.write(contentsOf: Data("3".utf8))
    try handle.close()
    #expect(hasChanged())
    #expect(!hasChanged())
    try FileManager.default.removeItem(atPath: file)
    #expect(hasChanged())
    #expect(FileSurvey.folders(of: paths + [file, "/x"]) == [mount.path, folder.path, "/"])
  }

  @Test("The system's hint of a swap comes at once")
  func hints() throws {
    let mount = try SecretMount(["a": "1"])
    let notifications = try #require(FolderNotifications())
    #expect(notifications.watch([mount.path]))
    #expect(!notifications.take())
    try mount.swap(["a": "2"])
    #expect(notifications.take())
    #expect(!notifications.take())
    #expect(!notifications.watch(["/nowhere/at/all"]))
  }
}
