import Foundation
import TestSupport
import Testing

@testable import Archives

/// A tar archive written block by block, so that every field can be wrong.
struct TarBytes {
  var bytes: [UInt8] = []

  /// A header with the right checksum, unless told otherwise, and the contents in whole blocks.
  mutating func add(
    _ name: String, _ contents: String = "", type: Character = "0", link: String = "", size: Int? = nil,
    mode: Int = 0o644,
    prefix: String = "", magic: String = "ustar\0", sum: Int? = nil
  ) {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, _ range: Range<Int>) {
      for (index, byte) in zip(range, text.utf8) { header[index] = byte }
    }
    func octal(_ number: Int, _ digits: Int) -> String {
      let text = String(number, radix: 8)
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    put(name, 0..<100)
    put(octal(mode, 7), 100..<107)
    put(octal(size ?? contents.utf8.count, 11), 124..<135)
    put(octal(0, 11), 136..<147)
    put(String(type), 156..<157)
    put(link, 157..<257)
    put(magic, 257..<263)
    put("00", 263..<265)
    put(prefix, 345..<500)
    put("        ", 148..<156)
    put(octal(sum ?? header.reduce(0) { $0 + Int($1) }, 6) + "\0 ", 148..<156)
    bytes += header + Array(contents.utf8)
    bytes += [UInt8](repeating: 0, count: (512 - contents.utf8.count % 512) % 512)
  }

  mutating func end() { bytes += [UInt8](repeating: 0, count: 1_024) }

  static func of(_ body: (inout TarBytes) -> Void) -> [UInt8] {
    var tar = TarBytes()
    body(&tar)
    tar.end()
    return tar.bytes
  }
}

/// xorshift, so that a failure repeats.
private struct Generator: RandomNumberGenerator {
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

@Suite struct TarReaderTests {
  /// What an archive holds, a line for each member, or how reading it failed.
  private func read(_ bytes: [UInt8], _ limits: ArchiveLimits = ArchiveLimits()) -> [String] {
    var reader = TarReader(PlainBytes(bytes), limits: limits)
    var lines: [String] = []
    do throws(ArchiveError) {
      while let member = try reader.next() {
        var contents: [UInt8] = []
        while true {
          let piece = try reader.read(100)
          if piece.isEmpty { break }
          contents += piece
        }
        #expect(contents.count == member.size)
        switch member.kind {
        case .file: lines.append("\(member.path) \(String(decoding: contents, as: UTF8.self))")
        case .folder: lines.append("\(member.path)/")
        case .symbolicLink(let target): lines.append("\(member.path) -> \(target)")
        case .hardLink(let target): lines.append("\(member.path) = \(target)")
        }
      }
    } catch {
      lines.append("\(error.code): \(error.message)")
    }
    return lines
  }

  private func fault(_ limits: ArchiveLimits = ArchiveLimits(), _ body: (inout TarBytes) -> Void) -> String {
    read(TarBytes.of(body), limits).last ?? ""
  }

  @Test func readsFilesFoldersAndLinks() {
    let bytes = TarBytes.of {
      $0.add("top/", type: "5")
      $0.add("./top//a.sql", "select 1")
      $0.add("top/b", type: "2", link: "a.sql")
      $0.add("top/c", type: "1", link: "top/a.sql")
      $0.add("b.sql", "x", prefix: "top/deep")
      $0.add("top/old/", type: "\0", magic: "")
      $0.add("./", type: "5")
    }
    #expect(
      read(bytes) == [
        "top/", "top/a.sql select 1", "top/b -> a.sql", "top/c = top/a.sql", "top/deep/b.sql x", "top/old/",
      ])
  }

  @Test func readsLongNamesOfEitherKind() {
    let long = "top/" + String(repeating: "n", count: 200)
    let record = "path=\(long)\n"
    let bytes = TarBytes.of {
      $0.add("pax_global_header", "30 comment=0123456789abcdef01\n", type: "g")
      $0.add("pax", "\(record.utf8.count + 4) \(record)", type: "x")
      $0.add("short", "1")
      $0.add("././@LongLink", long + "2\0", type: "L")
      $0.add("short", "2", magic: "ustar ")
      $0.add("././@LongLink", long + "\0", type: "K")
      $0.add("top/l", type: "2", link: "short")
    }
    #expect(read(bytes) == ["\(long) 1", "\(long)2 2", "top/l -> \(long)"])
  }

  /// What GNU tar, bsdtar's form and Python write is read as they read it.
  @Test func readsWhatPythonWrites() throws {
    let script = """
      import base64, io, json, sys, tarfile
      names = json.load(sys.stdin)
      result = []
      for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as tar:
          for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(name.encode())
            tar.addfile(info, io.BytesIO(name.encode()))
        result.append(base64.b64encode(out.getvalue()).decode())
      json.dump(result, sys.stdout)
      """
    let names = ["a", "b/" + String(repeating: "x", count: 90) + "/" + String(repeating: "y", count: 90), "ü/ß.sql"]
    let output = try PythonPeer.run(script, input: String(decoding: try JSONEncoder().encode(names), as: UTF8.self))
    let archives = try JSONDecoder().decode([Data].self, from: Data(output.utf8))
    #expect(archives.count == 3)
    for archive in archives { #expect(read(Array(archive)) == names.map { "\($0) \($0)" }) }
  }

  @Test func refusesPathsThatLeadOut() {
    #expect(fault { $0.add("/etc/passwd", "x") } == "refused: holds the absolute path '/etc/passwd'")
    #expect(fault { $0.add("top/../../x", "x") } == "refused: holds a path that leads out of it: 'top/../../x'")
    #expect(fault { $0.add("..", type: "5") } == "refused: holds a path that leads out of it: '..'")
    #expect(fault { $0.add("x", "x", prefix: "..") } == "refused: holds a path that leads out of it: '../x'")
    #expect(fault { $0.add("top/c", type: "1", link: "../x") } == "refused: holds a path that leads out of it: '../x'")
    #expect(fault { $0.add("top/c", type: "1", link: "/x") } == "refused: holds the absolute path '/x'")
    #expect(fault { $0.add("a\u{1B}[2J", "x") } == "refused: holds a path with control characters: 'a?[2J'")
    #expect(fault { $0.add("", "x") } == "refused: holds a member without a name")
  }

  @Test(arguments: ["3", "4", "6"]) func refusesDevices(type: Character) {
    #expect(fault { $0.add("top/d", type: type) } == "refused: holds a device or pipe: 'top/d'")
  }

  @Test func refusesWhatNobodyKnows() {
    #expect(fault { $0.add("top/d", type: "S") } == "refused: holds a sparse file: 'top/d'")
    #expect(fault { $0.add("top/d", type: "Q") } == "refused: holds a member of unknown kind: 'top/d'")
    #expect(fault { $0.add("p", "22 GNU.sparse.major=1\n", type: "x") } == "refused: holds a sparse file")
    #expect(
      fault { $0.add("p", "10 path=x\n", type: "g") } == "refused: holds a header that gives every member the same path"
    )
  }

  @Test func refusesDamage() {
    #expect(fault { $0.add("a", "x", sum: 1) } == "damaged: holds a header that is none, or whose checksum is wrong")
    #expect(read([UInt8](repeating: 1, count: 511)) == ["damaged: ends in the middle of a header"])
    #expect(read([]) == ["damaged: ends in the middle of a header"])
    var whole = TarBytes()
    whole.add("a", String(repeating: "x", count: 1_000))
    #expect(read(Array(whole.bytes.prefix(900))) == ["damaged: ends in the middle of a file"])
    // The end marks may be missing, as tar itself accepts.
    #expect(read(whole.bytes).count == 1)
    #expect(
      fault { $0.add("p", "99 path=x\n", type: "x") } == "damaged: holds a header with records that cannot be read")
    #expect(fault { $0.add("p", "10 path=x\n", type: "x") } == "damaged: ends after a header that extends another one")
    #expect(fault { $0.add("p", "11 size=-1\n", type: "x") } == "refused: holds a header whose size cannot be read")
    var odd = TarBytes()
    odd.add("a", "")
    odd.bytes[124] = UInt8(ascii: "9")
    #expect(read(odd.bytes) == ["damaged: holds a header that is none, or whose checksum is wrong"])
  }

  @Test func refusesNumbersBeyondAll() {
    var tar = TarBytes()
    tar.add("a", "")
    for index in 124..<136 { tar.bytes[index] = 0xFF }
    let sum = tar.bytes.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    for (index, byte) in zip(148..<156, "0\(String(sum, radix: 8))\0 ".utf8) { tar.bytes[index] = byte }
    #expect(read(tar.bytes) == ["refused: holds a header whose size cannot be read"])
  }

  @Test func holdsItsLimits() {
    var limits = ArchiveLimits()
    limits.members = 2
    #expect(fault(limits) { for name in ["a", "b", "c"] { $0.add(name) } } == "tooLarge: holds more than 2 members")
    limits = ArchiveLimits()
    limits.pathBytes = 20
    #expect(
      fault(limits) { $0.add(String(repeating: "a", count: 21)) } == "tooLarge: holds a path of more than 20 bytes")
    limits.depth = 2
    #expect(fault(limits) { $0.add("a/b/c") } == "tooLarge: holds a path of more than 2 folders: 'a/b/c'")
    limits.extensionBytes = 10
    #expect(
      fault(limits) { $0.add("l", String(repeating: "a", count: 11), type: "L") }
        == "tooLarge: holds a name or records of more than 10 bytes")
  }

  /// Every kept input of the fuzzer, a good archive, and mutations of all of them end with members or an error.
  @Test func survivesMutations() throws {
    let made = TarBytes.of {
      $0.add("top/", type: "5")
      $0.add("pax", "10 path=x\n", type: "x")
      $0.add("top/a.sql", String(repeating: "x", count: 600))
      $0.add("././@LongLink", "top/long\0", type: "L")
      $0.add("short", "1")
    }
    let corpus = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fuzz/Corpus/FuzzTar")
    let kept = try FileManager.default.contentsOfDirectory(at: corpus, includingPropertiesForKeys: nil)
    #expect(kept.count >= 9)
    let inputs = [made] + (try kept.map { Array(try Data(contentsOf: $0)) }).filter { !$0.isEmpty }
    for input in inputs { #expect(TarExercise.run(input)) }
    var random = Generator()
    for round in 0..<4_000 {
      var bytes = inputs[round % inputs.count]
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      #expect(TarExercise.run(bytes))
    }
  }
}

@Suite struct GzipReaderTests {
  private static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
    let script = """
      import base64, gzip, sys
      sys.stdout.write(base64.b64encode(gzip.compress(base64.b64decode(sys.stdin.read()))).decode())
      """
    let output = try PythonPeer.run(script, input: Data(bytes).base64EncodedString())
    return Array(try #require(Data(base64Encoded: output)))
  }

  private func inflate(_ bytes: [UInt8], limit: Int = 1 << 20, step: Int = 1_000) -> Result<[UInt8], ArchiveError> {
    Result { () throws(ArchiveError) in
      let reader = try GzipReader(bytes, limit: limit)
      var all: [UInt8] = []
      while true {
        let piece = try reader.read(step)
        if piece.isEmpty { return all }
        all += piece
      }
    }
  }

  @Test func undoesGzip() throws {
    let text = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let packed = try Self.gzip(text)
    #expect(try inflate(packed).get() == text)
    #expect(try inflate(packed, step: 1 << 20).get() == text)
    // Several members, and zeros that pad the file.
    let two = packed + (try Self.gzip([1, 2, 3])) + [0, 0, 0]
    #expect(try inflate(two).get() == text + [1, 2, 3])
  }

  @Test func refusesBombsDamageAndHalves() throws {
    let packed = try Self.gzip([UInt8](repeating: 0, count: 1 << 20))
    #expect(throws: ArchiveError(.tooLarge, "unpacks to more than 1000000 bytes (from \(packed.count))")) {
      try inflate(packed, limit: 1_000_000).get()
    }
    #expect(throws: ArchiveError(.damaged, "ends too early: the download is not whole")) {
      try inflate(Array(packed.dropLast(3)), limit: 2 << 20).get()
    }
    var wrong = packed
    wrong[packed.count - 6] ^= 1
    #expect(throws: ArchiveError(.damaged, "is damaged: its gzip data or their checksum is wrong")) {
      try inflate(wrong, limit: 2 << 20).get()
    }
    #expect(throws: ArchiveError(.damaged, "is damaged: what follows its gzip data is none")) {
      try inflate(packed + [7], limit: 2 << 20).get()
    }
    #expect(throws: ArchiveError(.damaged, "is not compressed with gzip")) { try inflate(Array("<html>".utf8)).get() }
    #expect(throws: ArchiveError.self) { try inflate([0x1F, 0x8B]).get() }
  }
}
