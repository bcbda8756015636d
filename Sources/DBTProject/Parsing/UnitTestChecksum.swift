import OrderedCollections
import PlainData
import Secrets

/// The hash of a unit test, by which dbt tells that it changed: over the text that Python gives its parts.
enum UnitTestChecksum {
  /// - Parameters:
  ///   - document: the test in dbt's form, with the rows of its fixtures read.
  static func hex(_ document: PlainObject) -> String {
    let given = document["given"]?.arrayValue ?? []
    let versions = object(document["versions"], "UnitTestNodeVersions", ["include", "exclude"])
    let inputs = given.map { fixture($0, "UnitTestInputFixture", ["input", "rows", "format", "fixture"]) }
    let expected = fixture(document["expect"] ?? .null, "UnitTestOutputFixture", ["rows", "format", "fixture"])
    let overrides = object(document["overrides"], "UnitTestOverrides", ["macros", "vars", "env_vars"])
    var text =
      "\(document["model"]?.pythonText ?? "")-\(versions)-[\(inputs.joined(separator: ", "))]-\(expected)-\(overrides)"
    for input in given where input["fixture"]?.isTruthy ?? false { text += "-\((input["rows"] ?? .null).pythonText)" }
    return SHA256.hex(text)
  }

  /// A data class as Python prints it; None when there is none.
  private static func object(_ value: PlainValue?, _ name: String, _ fields: [String]) -> String {
    guard let members = value?.objectValue else { return "None" }
    let parts = fields.map { "\($0)=\((members[$0] ?? .null).pythonRepresentation)" }
    return "\(name)(\(parts.joined(separator: ", ")))"
  }

  private static func fixture(_ value: PlainValue, _ name: String, _ fields: [String]) -> String {
    let parts = fields.map { field -> String in
      guard field == "format" else { return "\(field)=\((value[field] ?? .null).pythonRepresentation)" }
      let format = value["format"]?.stringValue ?? "dict"
      return "format=<UnitTestFormat.\(format == "dict" ? "Dict" : format.uppercased()): '\(format)'>"
    }
    return "\(name)(\(parts.joined(separator: ", ")))"
  }
}
