import Foundation
import Testing

@testable import Secrets

@Suite struct MountedFileTests {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

  private func path(_ name: String, _ content: String? = nil, mode: Int = 0o600) throws -> String {
    let path = folder.appendingPathComponent(name).path
    if let content {
      try content.write(toFile: path, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }
    return path
  }

  private func code(_ body: () throws -> Void) -> SecretError.Code? {
    do { try body() } catch { return (error as? SecretError)?.code }
    return nil
  }

  @Test(arguments: [("key\n", "key"), ("key\r\n", "key"), ("key", "key"), ("key\n\n", "key\n"), ("a\nb\n", "a\nb")])
  func oneLineEndIsNotPartOfASecret(content: String, expected: String) throws {
    let secret = try SharedSecret.read(path: path("secret", content))
    #expect(secret.withBytes { String(decoding: $0, as: UTF8.self) } == expected)
  }

  @Test func faultsAreToldApartAndNameTheFile() throws {
    #expect(code { _ = try SharedSecret.read(path: path("none")) } == .missing)
    #expect(code { _ = try SharedSecret.read(path: path("empty", "\n")) } == .empty)
    #expect(code { _ = try SharedSecret.read(path: folder.path) } == .notAFile)
    #expect(code { _ = try SharedSecret.read(path: path("open", "x", mode: 0o602)) } == .worldWritable)
    let large = try path("large", String(repeating: "x", count: SharedSecret.fileLimit + 1))
    #expect(code { _ = try SharedSecret.read(path: large) } == .tooLarge(limit: SharedSecret.fileLimit))
    #expect(code { _ = try MountedFile.read(large, limit: 10) } == .tooLarge(limit: 10))
    #expect("\(SecretError(.missing, path: "/x/key"))".contains("/x/key"))
  }

  @Test(.timeLimit(.minutes(1))) func aPipeDoesNotHang() throws {
    let pipe = try path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(code { _ = try SharedSecret.read(path: pipe) } == .notAFile)
  }

  @Test func aReplacedFileIsReadAgainAndAnUnchangedOneIsNot() throws {
    let file = SecretFile(path: try path("token", "first\n"))
    let first = try file.current()
    #expect(try file.current() === first)
    #expect(file.generation == 1)
    _ = try path("token", "second\n")
    #expect(try file.current().withBytes { String(decoding: $0, as: UTF8.self) } == "second")
    #expect(file.generation == 2)
  }

  @Test func aSwappedVolumeIsFollowedThroughItsLinks() throws {
    for version in ["v1", "v2"] {
      let data = folder.appendingPathComponent(version)
      try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
      try version.write(toFile: data.appendingPathComponent("tls.crt").path, atomically: true, encoding: .utf8)
    }
    let link = folder.appendingPathComponent("..data").path
    #expect(symlink("v1", link) == 0)
    #expect(symlink("..data/tls.crt", folder.appendingPathComponent("tls.crt").path) == 0)
    let file = MountedFile(path: folder.appendingPathComponent("tls.crt").path)
    #expect(try file.current() == Array("v1".utf8))
    #expect(symlink("v2", link + "_tmp") == 0)
    #expect(rename(link + "_tmp", link) == 0)
    #expect(try file.current() == Array("v2".utf8))
  }

  @Test func aVanishedFileIsAnError() throws {
    let file = MountedFile(path: try path("gone", "x"))
    _ = try file.current()
    try FileManager.default.removeItem(atPath: file.path)
    #expect(code { _ = try file.current() } == .missing)
  }
}
