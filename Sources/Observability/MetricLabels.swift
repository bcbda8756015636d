import Secrets

/// Names and label sets as the Prometheus data model has them, made from what callers give.
///
/// Whatever comes in, what goes out is valid: a wrong character in one call must not spoil the page for all the others.
struct MetricLabels: Hashable, Sendable {
  /// The longest value kept, in characters; a longer one ends in `…`.
  static let valueLimit = 128
  /// The most labels of one series.
  static let countLimit = 8

  /// One label.
  struct Pair: Hashable, Sendable {
    /// `[a-zA-Z_][a-zA-Z0-9_]*`, not reserved.
    let name: String
    /// Without control characters and known secrets, at most `valueLimit` characters.
    let value: String
  }

  /// In the order of their names, no name twice.
  let pairs: [Pair]

  /// Takes over dimensions in any order; of a name given twice the last value counts.
  init(_ dimensions: [(String, String)]) {
    var values: [String: String] = [:]
    for (name, value) in dimensions { values[Self.labelName(name)] = Self.shortened(value) }
    pairs = values.sorted { $0.key < $1.key }.prefix(Self.countLimit).map { Pair(name: $0.key, value: $0.value) }
  }

  /// The pairs as `MetricsText` takes them.
  var plain: [(String, String)] { pairs.map { ($0.name, $0.value) } }

  /// The metric's name with every character replaced that none may have: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
  static func metricName(_ text: String) -> String { name(text, allowsColon: true) }

  /// `le` belongs to the buckets of histograms, names with two underscores in front to Prometheus itself.
  private static func labelName(_ text: String) -> String {
    let name = name(text, allowsColon: false)
    if name == "le" || name == "quantile" { return name + "_" }
    return name.hasPrefix("__") ? "x" + name : name
  }

  private static func name(_ text: String, allowsColon: Bool) -> String {
    let bytes = text.utf8.prefix(valueLimit).map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        byte
      case UInt8(ascii: ":") where allowsColon: byte
      default: UInt8(ascii: "_")
      }
    }
    guard let first = bytes.first else { return "_" }
    let beginsWithDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    return (beginsWithDigit ? "_" : "") + String(decoding: bytes, as: UTF8.self)
  }

  private static func shortened(_ value: String) -> String {
    let clean = LogRecord.escaped(Redactor.process.redact(value))
    return clean.count <= valueLimit ? clean : clean.prefix(valueLimit - 1) + "…"
  }
}
