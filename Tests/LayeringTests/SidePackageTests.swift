import Foundation
import Testing

/// The packages beside the product that compile its sources through links: fuzzing and the load of the benchmarks.
///
/// `make test` does not build them, so a target that the product got and they did not would be noticed only by whoever runs them.
@Suite struct SidePackageTests {
  @Test(arguments: ["Tests/Fuzz", "Benchmarks/Transport"])
  func everyLinkedTargetHasWhatItImports(folder: String) throws {
    let package = LayeringTests.root.appending(path: folder)
    let manifest = try String(contentsOf: package.appending(path: "Package.swift"), encoding: .utf8)
    let ours = Set(LayeringTests.rows.joined())
    let linked = Set(try FileManager.default.contentsOfDirectory(atPath: package.path + "/Sources")).intersection(ours)
    #expect(linked.count > 5, "hardly any link: is this the right folder?")
    for (target, file, module) in try LayeringTests.imports() where linked.contains(target) && ours.contains(module) {
      #expect(linked.contains(module), "\(folder)/Sources has no link to \(module), which \(file) imports")
      #expect(
        try dependencies(of: target, manifest).contains(module),
        "\(folder)/Package.swift: \(target) does not name \(module), which \(file) imports")
    }
  }

  /// The names in quotes of a target's `dependencies`.
  private func dependencies(of target: String, _ manifest: String) throws -> Set<String> {
    let declaration = try Regex(
      "name: \"\(target)\",\\s*dependencies: \\[([^\\]]*)\\]", as: (Substring, Substring).self)
    let found = try #require(manifest.firstMatch(of: declaration), "\(target) is no target of the package")
    return Set(found.1.matches(of: /"(\w+)"/).map { String($0.1) })
  }
}
