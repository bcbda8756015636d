import PlainData
import SemanticManifest

extension Choice {
  /// The value that a text of the properties means; upper and lower case are the same.
  ///
  /// - Throws: an error without a title, as dbt's, for a text that is none of the values.
  static func value(_ text: String) throws(ProjectError) -> PlainValue {
    guard let value = Self(text: text) else {
      throw ProjectError(.inline, "Invalid enum value: `\(text)` in enum \(typeName)")
    }
    return .string(value.rawValue)
  }

  /// The same for a member that may be absent.
  static func value(_ text: PlainValue?) throws(ProjectError) -> PlainValue {
    guard let text = text?.stringValue else { return .null }
    return try value(text)
  }
}
