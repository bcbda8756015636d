import Foundation
import OrderedCollections
import PlainData
import Testing

@testable import DBTProject

/// The same project parsed by dbt and by us must give the same manifest.
@Suite struct DifferentialTests {
  /// Fields that depend on time or place.
  private static let volatile: Set<String> = ["created_at", "root_path"]

  private static func settled(_ value: PlainValue) -> PlainValue {
    switch value {
    case .object(let members):
      .object(
        PlainObject(
          members.filter { !volatile.contains($0.key) }.map { ($0.key, settled($0.value)) },
          uniquingKeysWith: { _, last in last }))
    case .array(let items): .array(items.map(settled))
    default: value
    }
  }

  private static func differences(_ folder: String, environment: [String: String] = [:]) throws -> [String] {
    let theirs = settled(try DBTOracle.manifest(of: folder, environment: environment))
    let project = try ProjectFixture.load(folder, environment: environment, macros: try DBTOracle.macroPackages.get())
    let document = project.manifest.json(
      ManifestMetadata(
        dbtVersion: "1.12.6", generatedAt: "2026-01-01T00:00:00.000000Z", invocationID: "0",
        invocationStartedAt: "2026-01-01T00:00:00.000000Z"))
    let ours = settled(document)
    var found: [String] = []
    for section in theirs.objectValue?.keys ?? [] where section != "metadata" {
      found += DocumentDifference.list(sorted(ours[section], section), sorted(theirs[section], section), at: section)
    }
    #expect(try DBTOracle.validate(document) == project.manifest.nodes.count)
    return found
  }

  /// Lists whose order dbt takes from sets are made comparable.
  private static func sorted(_ section: PlainValue?, _ name: String) -> PlainValue? {
    guard case .object(let members)? = section else { return section }
    return .object(
      members.mapValues { entry in
        guard var fields = entry.objectValue else { return entry }
        if let macros = fields["depends_on"]?["macros"]?.arrayValue, var depends = fields["depends_on"]?.objectValue {
          depends["macros"] = .strings(macros.map(\.pythonText).sorted())
          if let nodes = depends["nodes"]?.arrayValue { depends["nodes"] = .strings(nodes.map(\.pythonText).sorted()) }
          fields["depends_on"] = .object(depends)
        }
        return .object(fields)
      })
  }

  @Test func aProjectOfEveryKindOfResource() throws {
    let fixture = try ProjectFixture(SampleProjects.everything)
    let found = try Self.differences(fixture.folder)
    #expect(found == [])
  }

  @Test func packagesVersionsAndContracts() throws {
    let fixture = try ProjectFixture(SampleProjects.packages)
    let found = try Self.differences(fixture.folder)
    #expect(found == [])
  }

  @Test func metricsAndOtherLineEnds() throws {
    let fixture = try ProjectFixture(SampleProjects.semantics)
    let found = try Self.differences(fixture.folder)
    #expect(found == [])
  }

  @Test func modelsInPython() throws {
    let fixture = try ProjectFixture(SampleProjects.languages)
    let found = try Self.differences(fixture.folder)
    #expect(found == [])
  }

  @Test func theExampleProject() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = NSTemporaryDirectory() + "sallyport-harbor-\(UUID().uuidString)"
    try FileManager.default.copyItem(atPath: root.appendingPathComponent("Examples/harbor").path, toPath: folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let found = try Self.differences(folder, environment: ["DBT_ENV_SECRET_HARBOR_PASSWORD": "x"])
    #expect(found == [])
  }
}
