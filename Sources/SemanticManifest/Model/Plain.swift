import PlainData

/// What has a form in the semantic manifest: its members in pydantic's order, absent ones as null.
protocol Documented {
  var document: PlainValue { get }
}

extension String? {
  /// The text or null.
  var plain: PlainValue { map(PlainValue.string) ?? .null }
}

extension Int? {
  var plain: PlainValue { map(PlainValue.int) ?? .null }
}

extension Bool? {
  var plain: PlainValue { map(PlainValue.bool) ?? .null }
}

extension Double? {
  var plain: PlainValue { map(PlainValue.double) ?? .null }
}

extension Optional where Wrapped: Documented {
  var plain: PlainValue { map(\.document) ?? .null }
}

extension Optional where Wrapped: Choice {
  var plain: PlainValue { map(\.plain) ?? .null }
}

extension Choice {
  var plain: PlainValue { .string(rawValue) }
}

extension Array where Element: Documented {
  var plain: PlainValue { .array(map(\.document)) }
}

extension [String] {
  var plain: PlainValue { .array(map(PlainValue.string)) }
}
