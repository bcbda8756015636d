import OrderedCollections
import PlainData

/// The thresholds of a source's freshness: `warn_after`, `error_after` (each `count` and `period`) and `filter`.
enum SourceFreshness {
  /// Thresholds that are not set.
  static let unset: PlainValue = ["warn_after": unsetTime, "error_after": unsetTime, "filter": nil]

  private static let unsetTime: PlainValue = ["count": nil, "period": nil]

  /// What a property file says, with every key present. Null stays null: freshness switched off.
  ///
  /// - Parameter value: nil when the file says nothing, which gives unset thresholds.
  static func read(_ value: PlainValue?) -> PlainValue {
    guard let value else { return unset }
    guard let members = value.objectValue else { return .null }
    return [
      "warn_after": time(members, "warn_after"), "error_after": time(members, "error_after"),
      "filter": members["filter"] ?? .null,
    ]
  }

  private static func time(_ members: PlainObject, _ key: String) -> PlainValue {
    guard let value = members[key] else { return unsetTime }
    guard let threshold = value.objectValue else { return .null }
    return ["count": threshold["count"] ?? .null, "period": threshold["period"] ?? .null]
  }

  /// Whether a period or count is set anywhere.
  static func isSet(_ value: PlainValue) -> Bool {
    ["warn_after", "error_after"].contains { isTimeSet(value[$0] ?? .null) }
  }

  private static func isTimeSet(_ value: PlainValue) -> Bool {
    !(value["count"] ?? .null).isNull && !(value["period"] ?? .null).isNull
  }

  /// The thresholds of several places, the later ones laid over the earlier; null in a later place switches off.
  static func merged(_ all: [PlainValue]) -> PlainValue {
    guard var result = all.first else { return .null }
    for update in all.dropFirst() {
      if case .object = result, case .object(let changes) = update {
        var members = result.objectValue ?? [:]
        for (key, value) in changes where !value.isNull && key == "filter" { members[key] = value }
        for key in ["warn_after", "error_after"] {
          members[key] = mergedTime(members[key] ?? .null, changes[key] ?? .null)
        }
        result = .object(members)
      } else if result.isNull, isSet(update) {
        result = update
      } else {
        result = .null
      }
    }
    return result
  }

  private static func mergedTime(_ base: PlainValue, _ update: PlainValue) -> PlainValue {
    if isTimeSet(base), isTimeSet(update) { return update }
    if update.isNull { return .null }
    return isTimeSet(update) ? update : base
  }
}
