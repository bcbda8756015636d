import Foundation
import TestSupport
import Testing

@testable import GRPCClient

/// The corpora of `Tests/Fuzz`, and mutations of them, fed to the same entry points as libFuzzer feeds: a short run of what
/// `make fuzz` does for longer.
@Suite("Kept inputs of the fuzzers")
struct KeptInputTests {
  /// How many mutations of each file are tried.
  private static let rounds = 150
  /// What the process may grow by in all of this.
  private static let growth = 96 << 20

  /// The files of one target's corpus.
  private static func corpus(_ target: String) throws -> [(name: String, bytes: [UInt8])] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fuzz/Corpus/\(target)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    return try names.map { ($0, Array(try Data(contentsOf: folder.appendingPathComponent($0)))) }
  }

  /// Every file and its mutations.
  private func run(_ target: String, seed: UInt64, _ body: ([UInt8], String) -> Void) throws {
    let files = try Self.corpus(target)
    #expect(files.count >= 15, "the corpus of \(target) is missing")
    var random = SplitMix(seed: seed)
    let before = ProcessMemory.residentBytes()
    for (name, bytes) in files {
      body(bytes, name)
      for _ in 0..<Self.rounds {
        let other = files[Int(random.next() % UInt64(files.count))].bytes
        body(Self.mutated(bytes, other, &random), name)
      }
    }
    #expect(ProcessMemory.residentBytes() - before < Self.growth)
  }

  /// Some changes of the kinds that libFuzzer makes.
  private static func mutated(_ bytes: [UInt8], _ other: [UInt8], _ random: inout SplitMix) -> [UInt8] {
    var result = bytes
    for _ in 0...(random.next() % 4) {
      guard !result.isEmpty else { return other }
      let at = Int(random.next() % UInt64(result.count))
      switch random.next() % 6 {
      case 0: result[at] ^= 1 << UInt8(random.next() % 8)
      case 1: result[at] = UInt8(truncatingIfNeeded: random.next())
      case 2: result.remove(at: at)
      case 3: result.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
      case 4: result = Array(result[..<at]) + other.suffix(Int(random.next() % UInt64(other.count + 1)))
      default: result.replaceSubrange(at..<at, with: result[at...].prefix(200))
      }
    }
    return result
  }

  @Test("Frames: no input settles a call twice, traps, or makes the process grow")
  func frames() throws {
    try run("FuzzFrames", seed: 1) { bytes, name in
      guard bytes.count >= 2 else { return }
      let settings = bytes.dropFirst(2).prefix(Int(bytes[1] % 10) * 6)
      let report = TransportExercise.feed(
        Array(bytes.dropFirst(2 + settings.count)), settings: Array(settings), pieceLength: 1 + Int(bytes[0]) * 8)
      #expect(report.settled.values.allSatisfy { $0 == 1 }, "\(name)")
      #expect(report.longestMessage <= TransportExercise.messageLimit, "\(name)")
    }
    let answer = try #require(try Self.corpus("FuzzFrames").first { $0.name == "three-answers" })
    #expect(TransportExercise.feed(Array(answer.bytes.dropFirst(2))).settled == [1: 1, 3: 1, 5: 1])
  }

  @Test("Bodies: no message over the limit, and the pieces do not matter")
  func bodies() throws {
    try run("FuzzFraming", seed: 2) { bytes, name in
      guard let first = bytes.first else { return }
      let (body, isGzip) = (Array(bytes.dropFirst()), first & 1 == 1)
      let length = TransportExercise.framing(body, isGzip: isGzip, pieceLength: 1 + Int(first >> 1))
      #expect(length ?? 0 <= TransportExercise.messageLimit, "\(name)")
      #expect(length == TransportExercise.framing(body, isGzip: isGzip, pieceLength: .max), "\(name)")
    }
    let expected: [String: Int?] = [
      "plain": 3_200, "gzip": 3_200, "gzip-empty": 0, "gzip-nothing": 0, "at-the-limit": 1 << 16, "bomb": nil,
      "gzip-twice": nil, "gzip-cut": nil, "gzip-checksum": nil, "gzip-name": 3_200, "two": nil, "bad-flag": nil,
    ]
    for (name, bytes) in try Self.corpus("FuzzFraming") {
      guard let length = expected[name] else { continue }
      #expect(TransportExercise.framing(Array(bytes.dropFirst()), isGzip: bytes[0] & 1 == 1) == length, "\(name)")
    }
  }

  @Test("Header blocks: no input settles a call twice, traps, or makes the process grow")
  func headerBlocks() throws {
    try run("FuzzHeaders", seed: 3) { bytes, name in
      guard let first = bytes.first else { return }
      let report = TransportExercise.headers(Array(bytes.dropFirst()), pieceLength: 16 + Int(first) * 64)
      #expect(report.settled.values.allSatisfy { $0 == 1 }, "\(name)")
    }
  }
}
