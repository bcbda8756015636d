import Foundation
import Glibc
import Testing

@testable import Secrets

/// Files that belong together, read as one generation.
@Suite struct MountedUnitTests {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

  private func write(_ name: String, _ text: String, mode: Int = 0o600) throws {
    let path = folder + "/" + name
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  /// Lays out a volume as Kubernetes does, or swaps its generation.
  private func mount(_ generation: String, _ files: [String: String], volume: String = "vol") throws {
    for (name, text) in files { try write("\(volume)/..\(generation)/\(name)", text) }
    let data = folder + "/\(volume)/..data"
    try? FileManager.default.removeItem(atPath: data + "_tmp")
    #expect(symlink("..\(generation)", data + "_tmp") == 0)
    #expect(rename(data + "_tmp", data) == 0)
    for name in files.keys {
      let first = String(name.split(separator: "/")[0])
      let link = folder + "/\(volume)/\(first)"
      if (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == nil {
        #expect(symlink("..data/\(first)", link) == 0)
      }
    }
  }

  private func members(_ names: [String], _ kind: MountedUnit.Member.Kind = .bundle) -> [MountedUnit.Member] {
    names.map { MountedUnit.Member(path: $0.hasPrefix("/") ? $0 : folder + "/" + $0, kind: kind) }
  }

  private func texts(_ unit: MountedUnit) -> [String] {
    unit.contents.map { content in
      if let secret = content.secret { return secret.withBytes { String(decoding: $0, as: UTF8.self) } }
      return content.files.map { String(decoding: $0.bytes, as: UTF8.self) }.joined(separator: "|")
    }
  }

  private func code(_ members: [MountedUnit.Member]) -> SecretError.Code? {
    do throws(SecretError) {
      _ = try MountedUnit.read(members)
      return nil
    } catch {
      return error.code
    }
  }

  @Test func aSwappedVolumeIsReadBeneathOneOpening() throws {
    try mount("v1", ["tls.crt": "c1", "tls.key": "k1\n"])
    let unit = members(["vol/tls.crt"]) + members(["vol/tls.key"], .secret)
    let first = try MountedUnit.read(unit)
    #expect(texts(first) == ["c1", "k1"] && first.isAtomic && first.fingerprint.count == 32)
    #expect(try MountedUnit.read(unit).fingerprint == first.fingerprint)
    try mount("v2", ["tls.crt": "c2", "tls.key": "k2\n"])
    let second = try MountedUnit.read(unit)
    #expect(texts(second) == ["c2", "k2"] && second.fingerprint != first.fingerprint)
  }

  @Test func linksToAVolumeAndFoldersInItAreFollowed() throws {
    try mount("v1", ["sub/tls.crt": "inner", "ca.crt": "ca"])
    #expect(symlink(folder + "/vol/ca.crt", folder + "/elsewhere.crt") == 0)
    #expect(symlink("vol/..data/ca.crt", folder + "/direct.crt") == 0)
    for path in ["vol/sub/tls.crt", "elsewhere.crt", "direct.crt", "vol/..data/ca.crt"] {
      let unit = try MountedUnit.read(members([path]))
      #expect(unit.isAtomic, "\(path)")
      #expect(texts(unit) == [path.contains("sub") ? "inner" : "ca"])
    }
    let whole = try MountedUnit.read(members(["vol"]))
    #expect(whole.isAtomic && texts(whole) == ["ca"])
  }

  @Test func plainFilesAreReadWithoutThePromise() throws {
    try write("a", "1")
    try write("b", "2")
    let unit = try MountedUnit.read(members(["a", "b"]))
    #expect(texts(unit) == ["1", "2"] && !unit.isAtomic)
    try mount("v1", ["tls.crt": "c1"])
    #expect(try !MountedUnit.read(members(["vol/tls.crt", "a"])).isAtomic)
    try write("vol/stray", "beside the volume")
    #expect(try !MountedUnit.read(members(["vol/stray"])).isAtomic)
  }

  @Test func severalVolumesAreEachOfOneGeneration() throws {
    try mount("v1", ["tls.crt": "c"], volume: "one")
    try mount("v1", ["ca.crt": "a"], volume: "two")
    let unit = try MountedUnit.read(members(["one/tls.crt", "two/ca.crt"]))
    #expect(unit.isAtomic && texts(unit) == ["c", "a"])
  }

  @Test func theFingerprintCoversNamesAndContents() throws {
    try write("a", "12")
    try write("b", "3")
    let first = try MountedUnit.read(members(["a", "b"])).fingerprint
    try write("a", "1")
    try write("b", "23")
    #expect(try MountedUnit.read(members(["a", "b"])).fingerprint != first)
    try write("d/x", "1")
    let folderOfOne = try MountedUnit.read(members(["d"])).fingerprint
    try FileManager.default.moveItem(atPath: folder + "/d/x", toPath: folder + "/d/y")
    #expect(try MountedUnit.read(members(["d"])).fingerprint != folderOfOne)
  }

  @Test(.timeLimit(.minutes(1))) func whatCannotBeReadIsNamed() throws {
    #expect(code(members(["none"])) == .missing)
    try write("open", "x", mode: 0o602)
    #expect(code(members(["open"])) == .worldWritable)
    #expect(mkfifo(folder + "/pipe", 0o600) == 0)
    #expect(code(members(["pipe"])) == .notAFile)
    #expect(code(members(["pipe"], .secret)) == .notAFile)
    try FileManager.default.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: true)
    #expect(code(members(["empty"])) == .empty)
    #expect(code(members(["empty"], .secret)) == .notAFile)
    #expect(code(members(["empty"], .open)) == .notAFile)
    try write("large", String(repeating: "x", count: MountedUnit.fileLimit + 1))
    #expect(code(members(["large"])) == .tooLarge(limit: MountedUnit.fileLimit))
    for index in 0...MountedUnit.mostFiles { try write("many/\(index)", "x") }
    #expect(code(members(["many"])) == .tooMany(limit: MountedUnit.mostFiles))
    #expect(symlink("loop", folder + "/loop") == 0)
    #expect(code(members(["loop"])) != nil)
  }

  @Test func aLinkOutOfTheVolumeIsRefused() throws {
    try write("outside", "not of this generation")
    try mount("v1", ["tls.crt": "c"])
    #expect(symlink(folder + "/outside", folder + "/vol/..v1/escape") == 0)
    #expect(symlink("..data/escape", folder + "/vol/escape") == 0)
    #expect(code(members(["vol/escape"])) == .unreadable(errno: EXDEV))
  }

  @Test func secretsForEverybodysEyesAreNoted() throws {
    try write("key", "k", mode: 0o644)
    try write("cert", "c", mode: 0o644)
    let unit = try MountedUnit.read(members(["key"], .secret) + members(["cert"]))
    #expect(unit.notes == [.readableByEveryone(path: folder + "/key")])
    #expect(unit.notes[0].description.contains("0400"))
  }

  /// What the kernel lists as a mounted file is told apart from any other.
  @Test func filesMountedByThemselvesAreNoted() throws {
    try write("plain", "x")
    func isMountRoot(_ path: String) throws -> Bool {
      let file = try OpenFile(path: path)
      return file.isMountRoot
    }
    #expect(try !isMountRoot(folder + "/plain"))
    let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
    for line in mounts.split(separator: "\n") {
      let path = String(line.split(separator: " ")[4])
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      #expect(try isMountRoot(path), "\(path)")
    }
  }

  /// Every byte of a binary secret counts; text secrets lose one line end.
  @Test func binarySecretsKeepTheirLastByte() throws {
    try write("p12", "bytes\n")
    #expect(texts(try MountedUnit.read(members(["p12"], .binarySecret))) == ["bytes\n"])
    #expect(texts(try MountedUnit.read(members(["p12"], .secret))) == ["bytes"])
  }

  /// A thousand swaps while a reader reads: certificate and key never come from two generations.
  @Test(.timeLimit(.minutes(2))) func swapsNeverTear() throws {
    try mount("v0", ["tls.crt": "0", "tls.key": "0"])
    let unit = members(["vol/tls.crt"]) + members(["vol/tls.key"], .secret)
    let (base, swaps) = (folder, 1000)
    let swapper = Thread {
      for index in 1...swaps {
        let generation = "\(base)/vol/..v\(index)"
        try? FileManager.default.createDirectory(atPath: generation, withIntermediateDirectories: true)
        for name in ["tls.crt", "tls.key"] {
          try? "\(index)".write(toFile: "\(generation)/\(name)", atomically: false, encoding: .utf8)
        }
        symlink("..v\(index)", "\(base)/vol/..tmp")
        rename("\(base)/vol/..tmp", "\(base)/vol/..data")
        try? FileManager.default.removeItem(atPath: "\(base)/vol/..v\(index - 1)")
      }
    }
    swapper.start()
    var (reads, seen, last) = (0, Set<String>(), "")
    while last != "\(swaps)" {
      // Four attempts may all meet a swap when nothing else happens on the machine: that is an error, never a mixture.
      guard let content = try? texts(MountedUnit.read(unit)) else { continue }
      #expect(content[0] == content[1], "torn: \(content)")
      last = content[0]
      seen.insert(last)
      reads += 1
    }
    #expect(reads >= 10 && seen.count >= 2)
  }
}
