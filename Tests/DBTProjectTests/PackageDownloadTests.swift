import Archives
import DBTContext
import Foundation
import PlainData
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import DBTProject

/// Packages from a network that a script stands for: answers in turn, the last of them again and again.
private final class ScriptedNetwork: PackageDownloader {
  private let answers: Mutex<[Result<[UInt8], PackageDownloadError>]>
  private let count = Mutex(0)

  init(_ answers: [Result<[UInt8], PackageDownloadError>]) { self.answers = Mutex(answers) }

  var asked: Int { count.withLock { $0 } }

  func download(_ address: SharedSecret, limit: Int) throws(PackageDownloadError) -> [UInt8] {
    count.withLock { $0 += 1 }
    return try answers.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? .success([]) }.get()
  }
}

@Suite struct PackageFetcherTests {
  private func fetch(
    _ answers: [Result<[UInt8], PackageDownloadError>], _ fetcher: ((ScriptedNetwork) -> PackageFetcher)? = nil
  ) -> (asked: Int, pauses: Int, result: Result<[UInt8], PackageDownloadError>) {
    let network = ScriptedNetwork(answers)
    var pauses = 0
    let fetcher = PackageFetcher(network) { pauses += 1 }
    let result = Result { () throws(PackageDownloadError) in
      try fetcher.fetch(SharedSecret(copying: "https://x.example".utf8), limit: 10) {
        bytes throws(PackageDownloadError) in
        guard bytes != [0] else { throw PackageDownloadError(.temporary, "damaged") }
        return bytes
      }
    }
    return (network.asked, pauses, result)
  }

  private func failure(_ kind: PackageDownloadError.Kind) -> Result<[UInt8], PackageDownloadError> {
    .failure(PackageDownloadError(kind, "no"))
  }

  @Test func asksAgainAsLongAsThatMayHelp() throws {
    #expect(fetch([failure(.temporary)]).asked == 6)
    #expect(fetch([failure(.temporary)]).pauses == 5)
    #expect(fetch([failure(.unreachable)]).asked == 3)
    #expect(fetch([failure(.refused)]).asked == 1)
    #expect(fetch([failure(.final)]).asked == 1)
    let healed = fetch([failure(.temporary), .success([0]), failure(.unreachable), .success([1])])
    #expect(try healed.result.get() == [1])
    #expect(healed.asked == 4)
  }

  @Test func doesNotWaitTwiceForANetworkThatIsNotThere() {
    let network = ScriptedNetwork([failure(.unreachable)])
    let fetcher = PackageFetcher(network) {}
    for _ in 1...3 {
      #expect(throws: PackageDownloadError(.unreachable, "no")) {
        try fetcher.fetch(SharedSecret(copying: "https://x.example".utf8), limit: 10) { $0 }
      }
    }
    #expect(network.asked == 5)
  }
}

@Suite struct PackageArchiveTests {
  /// An archive that Python writes: name, kind and text of each member.
  private func archive(_ members: [[String]]) throws -> [UInt8] {
    let script = """
      import base64, io, json, sys, tarfile
      kinds = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE}
      out = io.BytesIO()
      with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, kind, text in json.load(sys.stdin):
          info = tarfile.TarInfo(name)
          info.type = kinds[kind]
          info.mode = 0o777
          if kind == "file": info.size = len(text.encode())
          else: info.linkname = text
          tar.addfile(info, io.BytesIO(text.encode()) if kind == "file" else None)
      sys.stdout.write(base64.b64encode(out.getvalue()).decode())
      """
    let input = String(decoding: try JSONEncoder().encode(members), as: UTF8.self)
    return Array(try #require(Data(base64Encoded: try PythonPeer.run(script, input: input))))
  }

  private func fault(_ members: [[String]], _ limits: ArchiveLimits = ArchiveLimits()) throws -> String {
    let bytes = try archive(members)
    do throws(ArchiveError) {
      _ = try PackageArchive(bytes, limits: limits)
      return ""
    } catch {
      return error.message
    }
  }

  @Test func unpacksFilesFoldersAndLinks() throws {
    let bytes = try archive([
      ["p-1/macros/a.sql", "file", "one"], ["p-1/macros", "folder", ""], ["p-1/l", "link", "macros/a.sql"],
      ["p-1/h", "hard", "p-1/macros/a.sql"], ["p-1/macros/a.sql", "file", "two"],
    ])
    let project = try ProjectFixture(["keep": ""])
    let folder = try PackageArchive(bytes).extract(into: project.folder)
    #expect(folder == project.folder + "/p-1")
    func text(_ name: String) throws -> String { try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) }
    #expect(try text("macros/a.sql") == "two")
    #expect(try text("l") == "two")
    // A hard link becomes a file of its own, as the archive had it by then.
    #expect(try text("h") == "one")
    let mode = try FileManager.default.attributesOfItem(atPath: folder + "/macros/a.sql")[.posixPermissions] as? Int
    #expect(mode == 0o755)
  }

  @Test func checksAllBeforeItWrites() throws {
    let one = ["p/a", "file", "x"]
    #expect(try fault([one, ["q/a", "file", "x"]]) == "holds 'q/a' beside the folder 'p', where one folder belongs")
    #expect(try fault([["a", "file", "x"]]) == "does not hold a folder with the package in it")
    #expect(try fault([]) != "")
    #expect(try fault([one, ["p/a", "folder", ""]]) == "holds 'p/a' twice, and not as the same kind of thing")
    #expect(try fault([one, ["p/a/b", "file", ""]]) == "holds 'p/a' twice, and not as the same kind of thing")
    #expect(try fault([one, ["p/a", "link", "b"]]) == "holds 'p/a' twice, once as a link")
    #expect(
      try fault([["p/l", "link", ".."], ["p/l/x", "file", ""]])
        == "holds 'p/l' twice, and not as the same kind of thing")
    #expect(try fault([["p/l", "link", "/etc"]]) == "holds the link 'p/l' to the absolute path '/etc'")
    #expect(try fault([["p/h", "hard", "p/a"], one]) == "holds the link 'p/h' to 'p/a', which is no file before it")
    #expect(try fault([["p/l", "link", "a"], ["p/h", "hard", "p/l"]]).contains("which is no file before it"))
    var limits = ArchiveLimits()
    limits.unpackedBytes = 20_480
    let big = ["p/big", "file", String(repeating: "x", count: 9_000)]
    #expect(
      try fault([big, ["p/1", "hard", "p/big"], ["p/2", "hard", "p/big"]], limits) == "unpacks to more than 20480 bytes"
    )
    limits.unpackedBytes = 5_000
    #expect(try fault([big], limits).hasPrefix("unpacks to more than 5000 bytes (from"))
    limits = ArchiveLimits()
    limits.members = 3
    #expect(try fault([["p/a/b/c", "file", ""]], limits) == "makes more than 3 files and folders")
  }

  @Test func linksThatLeadOutEndIt() throws {
    for target in ["../../x", "..", "missing"] {
      let bytes = try archive([["p/.git/l", "link", target], ["p/a", "file", "x"], ["p/b", "link", target]])
      let project = try ProjectFixture(["x": ""])
      #expect(throws: ProjectError.self) { try PackageArchive(bytes).extract(into: project.folder) }
    }
  }
}
