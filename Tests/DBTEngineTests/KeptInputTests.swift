import Foundation
import TestSupport
import Testing

@testable import DBTEngine

/// The corpora of the engine's fuzz targets, and mutations of them, fed to the same entry points as libFuzzer feeds: a short
/// run of what `make fuzz` does for longer.
@Suite("Kept inputs of the engine's fuzzers")
struct KeptInputTests {
  /// How many mutations of each file are tried.
  private static let rounds = ProcessInfo.processInfo.environment["SALLYPORT_FUZZ_ROUNDS"].flatMap(Int.init) ?? 40
  /// What the process may grow by for one target.
  private static let growth = 256 << 20

  /// The files of one target's corpus, and inputs that once failed.
  private static func corpus(_ target: String) throws -> [(name: String, bytes: [UInt8])] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fuzz/Corpus/\(target)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    return try names.map { ($0, Array(try Data(contentsOf: folder.appendingPathComponent($0)))) }
  }

  /// xorshift, so that a failure repeats.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
  }

  /// Some changes of the kinds that libFuzzer makes.
  private static func mutated(_ bytes: [UInt8], _ other: [UInt8], _ random: inout Generator) -> [UInt8] {
    var result = bytes
    for _ in 0...Int.random(in: 0...3, using: &random) {
      guard !result.isEmpty else { return other }
      let at = Int.random(in: result.indices, using: &random)
      switch Int.random(in: 0...6, using: &random) {
      case 0: result[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
      case 1: result[at] = UInt8.random(in: 0...255, using: &random)
      case 2: result.remove(at: at)
      case 3: result.insert(UInt8.random(in: 0...255, using: &random), at: at)
      case 4: result = Array(result[..<at]) + other.suffix(Int.random(in: 0...other.count, using: &random))
      case 5: result.insert(contentsOf: other.prefix(12), at: at)
      default: result.replaceSubrange(at..<at, with: result[at...].prefix(200))
      }
    }
    return result
  }

  /// Every file and its mutations. The work is done on a thread with the stack of the engine's own.
  private func run(_ target: String, least: Int, _ body: @escaping @Sendable ([UInt8]) -> Bool) throws {
    let files = try Self.corpus(target)
    #expect(files.count >= least, "the corpus of \(target) is missing")
    let before = ProcessMemory.residentBytes()
    let done = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var failed: [String] = []
    nonisolated(unsafe) var count = 0
    let thread = Thread {
      var random = Generator(state: 0x5a11_f00d)
      for (name, bytes) in files {
        if !body(bytes) { failed.append(name) }
        for _ in 0..<Self.rounds {
          let input = Self.mutated(bytes, files.randomElement(using: &random)?.bytes ?? [], &random)
          count += 1
          if !body(input) { failed.append("\(name): \(Data(input).base64EncodedString())") }
        }
      }
      done.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
    done.wait()
    #expect(failed.isEmpty, "\(failed.count) of \(count) inputs of \(target) do not hold: \(failed.prefix(5))")
    #expect(count == files.count * Self.rounds)
    #expect(ProcessMemory.residentBytes() - before < Self.growth)
  }

  @Test("Templates: no input traps, and output stays within its limit")
  func templates() throws { try run("FuzzJinja", least: 90) { EngineExercise.template($0) } }

  @Test("YAML: no input traps, and what was read can be written and read again")
  func yaml() throws { try run("FuzzYAML", least: 20) { EngineExercise.yaml($0) } }

  @Test("Seed files: no input traps, and every row is as wide as the header")
  func csv() throws { try run("FuzzCSV", least: 20) { EngineExercise.csv($0) } }

  @Test("Selections: no input traps")
  func selectors() throws { try run("FuzzSelectors", least: 40) { EngineExercise.selectors($0) } }

  @Test("Blocks and expressions: what is cut out stands in the text, what is put in stands in the result")
  func blocks() throws { try run("FuzzBlocks", least: 30) { EngineExercise.blocks($0) } }
}
