import Foundation
import Testing

@testable import Jinja

/// The macro packages dbt publishes, unmodified.
@Suite struct MacroPackageTests {
  private func files() throws -> [String] {
    let root = try Oracle.packages() + "/dbt/include/"
    var files: [String] = []
    for package in ["global_project", "postgres"] {
      let folder = FileManager.default.enumerator(atPath: root + package)
      while let path = folder?.nextObject() as? String {
        if path.hasSuffix(".sql") { files.append(root + package + "/" + path) }
      }
    }
    return files.sorted()
  }

  @Test func everyFileCompiles() throws {
    let files = try files()
    #expect(files.count == 133)
    var macros = 0
    var materializations = 0
    var tests = 0
    for path in files {
      let template = try Template.compile(String(contentsOfFile: path, encoding: .utf8), path: path)
      for definition in template.definitions {
        switch definition.kind {
        case .macro: macros += 1
        case .materialization: materializations += 1
        case .test: tests += 1
        case .docs: break
        }
      }
    }
    #expect(materializations == 10)
    #expect(tests == 4)
    #expect(macros == 463)
  }
}
