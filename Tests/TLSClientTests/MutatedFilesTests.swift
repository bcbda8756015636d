import Foundation
import TestSupport
import Testing

@testable import TLSClient

/// A short run of what `Tests/Fuzz` does at length: files with flipped, cut, doubled and strange bytes.
@Suite("Mutated files")
struct MutatedFilesTests {
  private func mutations(of bytes: [UInt8], _ body: ([UInt8]) -> Void) {
    var random = SystemRandomNumberGenerator()
    for round in 0..<150 {
      var mutated = bytes
      for _ in 0...(round % 5) where mutated.count > 1 {
        let index = Int.random(in: 1..<mutated.count, using: &random)
        switch UInt8.random(in: 0..<4, using: &random) {
        case 0: mutated[index] = .random(in: 0...255, using: &random)
        case 1: mutated[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: mutated.removeSubrange(index...)
        default: mutated.insert(contentsOf: mutated[index...].prefix(40), at: index)
        }
      }
      body(mutated)
    }
  }

  private func content(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: TestPKI.shared().file(name))))
  }

  @Test("Certificates and lists never trap, and their faults are local")
  func certificates() throws {
    for (choice, name) in [
      (UInt8(0), "good.crt"), (1, "client.der"), (0, "all.crl"), (2, "client.der"), (0, "key.pkcs8"),
    ] {
      mutations(of: [choice] + (try content(name))) { TLSFilesExercise.certificates($0) }
    }
  }

  @Test("Keys and archives never trap, never prompt, and their faults are local")
  func keys() throws {
    for (choice, name) in [
      (UInt8(0), "key.pkcs8"), (1, "key.der"), (0, "key.pbes2"), (0, "key.traditional"), (0, "key.parameters"),
      (6, "client.p12"), (2, "key.der"),
    ] { mutations(of: [choice] + (try content(name))) { TLSFilesExercise.keys($0) } }
  }

  @Test("The kept corpus of the fuzz targets passes")
  func corpus() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    for (target, exercise) in [
      ("FuzzCertificates", TLSFilesExercise.certificates), ("FuzzKeys", TLSFilesExercise.keys),
    ] {
      let folder = root.appendingPathComponent("Fuzz/Corpus/\(target)")
      let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      #expect(files.count >= 4)
      for file in files { exercise(Array(try Data(contentsOf: file))) }
    }
  }
}
