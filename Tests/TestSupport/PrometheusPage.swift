import Foundation

/// A page of metrics, read as strictly as Prometheus' text format 0.0.4 is written down: every line must be one of the
/// forms, every family whole and in one place, every histogram sound.
package struct PrometheusPage: Sendable {
  /// A sample's name and labels.
  package struct Series: Hashable, Sendable {
    package let name: String
    package let labels: [String: String]
  }

  /// The kind of each family, as its TYPE line says.
  package private(set) var kinds: [String: String] = [:]
  /// The help of each family.
  package private(set) var help: [String: String] = [:]
  /// Every sample.
  package private(set) var samples: [Series: Double] = [:]
  private var order: [Series] = []
  private var current = ""
  private var finished: Set<String> = []

  /// Reads a page.
  ///
  /// - Throws: `PeerError` naming the line and the rule that it breaks.
  package init(_ text: String) throws {
    guard text.isEmpty || text.hasSuffix("\n") else { throw PeerError("the last line has no line end") }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      do {
        try take(String(line))
      } catch {
        throw PeerError("\(error), in: \(line)")
      }
    }
    try checkFamilies()
  }

  /// The value of a sample; nil when there is none.
  package func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
    samples[Series(name: name, labels: labels)]
  }

  private mutating func take(_ line: String) throws {
    if line.hasPrefix("# HELP ") || line.hasPrefix("# TYPE ") {
      let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
      guard words.count == 4, Self.isName(words[2], colon: true) else { throw PeerError("no metric name") }
      if words[1] == "HELP" { return try begin(words[2], help: words[3]) }
      guard words[2] == current, kinds[current] == nil else { throw PeerError("TYPE out of place or twice") }
      guard ["counter", "gauge", "histogram", "summary", "untyped"].contains(words[3]) else {
        throw PeerError("an unknown type")
      }
      kinds[current] = words[3]
      return
    }
    guard !line.hasPrefix("#"), !line.isEmpty else { throw PeerError("neither HELP, TYPE nor sample") }
    try takeSample(line)
  }

  private mutating func begin(_ name: String, help text: String) throws {
    guard help[name] == nil else { throw PeerError("HELP twice") }
    if !current.isEmpty { finished.insert(current) }
    current = name
    help[name] = text
  }

  private mutating func takeSample(_ line: String) throws {
    var rest = Substring(line)
    let name = String(rest.prefix { $0 != "{" && $0 != " " })
    rest = rest.dropFirst(name.count)
    guard Self.isName(name, colon: true) else { throw PeerError("no metric name") }
    var labels: [String: String] = [:]
    if rest.first == "{" { labels = try Self.labels(&rest) }
    guard rest.first == " ", let value = Self.number(rest.dropFirst()) else { throw PeerError("no value") }
    guard let kind = kinds[current], Self.belongs(name, to: current, kind) else {
      throw PeerError("outside of its family")
    }
    let series = Series(name: name, labels: labels)
    guard samples.updateValue(value, forKey: series) == nil else { throw PeerError("the same series twice") }
    order.append(series)
  }

  private static func belongs(_ name: String, to family: String, _ kind: String) -> Bool {
    guard kind == "histogram" else { return name == family }
    return ["_bucket", "_sum", "_count"].contains { name == family + $0 }
  }

  private static func labels(_ rest: inout Substring) throws -> [String: String] {
    var labels: [String: String] = [:]
    rest = rest.dropFirst()
    while rest.first != "}" {
      let name = String(rest.prefix { $0 != "=" })
      rest = rest.dropFirst(name.count)
      guard isName(name, colon: false), rest.hasPrefix("=\"") else { throw PeerError("a broken label") }
      rest = rest.dropFirst(2)
      var value = ""
      while let character = rest.first, character != "\"" {
        rest = rest.dropFirst()
        guard character == "\\" else {
          value.append(character)
          continue
        }
        switch rest.first {
        case "\\": value.append("\\")
        case "\"": value.append("\"")
        case "n": value.append("\n")
        default: throw PeerError("a broken escape")
        }
        rest = rest.dropFirst()
      }
      guard rest.first == "\"" else { throw PeerError("a label without an end") }
      rest = rest.dropFirst()
      guard labels.updateValue(value, forKey: name) == nil else { throw PeerError("a label twice") }
      if rest.first == "," { rest = rest.dropFirst() } else if rest.first != "}" { throw PeerError("no comma") }
    }
    rest = rest.dropFirst()
    return labels
  }

  private static func number(_ text: Substring) -> Double? {
    switch text {
    case "+Inf": .infinity
    case "-Inf": -.infinity
    case "NaN": .nan
    default: text.allSatisfy({ "0123456789+-.e".contains($0) }) ? Double(text) : nil
    }
  }

  private static func isName(_ text: String, colon: Bool) -> Bool {
    guard let first = text.utf8.first, !(48...57).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
        || colon && byte == 58
    }
  }

  private func checkFamilies() throws {
    for name in help.keys {
      guard let kind = kinds[name] else { throw PeerError("\(name) has no TYPE") }
      let own = order.filter { Self.belongs($0.name, to: name, kind) }
      guard !own.isEmpty else { throw PeerError("\(name) has no sample") }
      if kind == "counter" {
        guard name.hasSuffix("_total") || name.hasSuffix("_seconds") else { throw PeerError("\(name): no _total") }
        guard own.allSatisfy({ samples[$0] ?? -1 >= 0 }) else { throw PeerError("\(name) is below zero") }
      }
      if kind == "histogram" { try checkHistogram(name, own) }
    }
  }

  private func checkHistogram(_ name: String, _ own: [Series]) throws {
    func bare(_ series: Series) -> [String: String] { series.labels.filter { $0.key != "le" } }
    for labels in Set(own.map(bare)) {
      let buckets = own.filter { $0.name == name + "_bucket" && bare($0) == labels }
      let bounds = buckets.compactMap { Self.number(Substring($0.labels["le"] ?? "")) }
      let counts = buckets.compactMap { samples[$0] }
      guard bounds.count == buckets.count, bounds == bounds.sorted(), Set(bounds).count == bounds.count,
        bounds.last == .infinity
      else { throw PeerError("\(name): the bounds of the buckets are not rising to +Inf") }
      guard counts == counts.sorted() else { throw PeerError("\(name): the buckets are not cumulative") }
      guard let count = value(name + "_count", labels), counts.last == count, value(name + "_sum", labels) != nil
      else { throw PeerError("\(name): sum, count and the last bucket do not fit together") }
    }
  }
}
