/// The `urlize` filter: links for web and mail addresses in text.
struct Links {
  private let limit: Int?
  private let attributes: String
  private let schemes: [String]

  /// The filter's arguments: limit of the shown text, nofollow, target, rel, further schemes.
  init(_ bound: [Value?], _ evaluation: Evaluation) throws {
    func given(_ index: Int) -> Value? { bound[index].flatMap { $0.isNone ? nil : $0 } }
    limit = try given(0)?.requireInt()
    var rel = Set(PythonString.words(try given(3).map(evaluation.text) ?? "", limit: -1))
    if bound[1]?.isTruthy ?? false { rel.insert("nofollow") }
    rel.insert("noopener")
    var text = " rel=\"\(Markup.escape(rel.sorted().joined(separator: " ")))\""
    if let target = given(2) { text += " target=\"\(Markup.escape(try evaluation.text(of: target)))\"" }
    attributes = text
    schemes = try given(4).map(evaluation.elements)?.map { try $0.requireString("urlize") } ?? []
    for scheme in schemes where !Self.isScheme(scheme) {
      throw JinjaError(.filterArgument, "\(PythonText.repr(scheme)) is not a valid URI scheme prefix.")
    }
  }

  /// Letters, digits and `+-.` after a letter, with a colon and maybe slashes at the end.
  private static func isScheme(_ text: String) -> Bool {
    var bytes = Array(text.utf8)[...]
    var slashes = 0
    while bytes.last == UInt8(ascii: "/"), slashes < 2 {
      bytes.removeLast()
      slashes += 1
    }
    guard bytes.popLast() == UInt8(ascii: ":"), bytes.count >= 2, let first = bytes.first,
      first.isWordByte, !first.isDigit
    else { return false }
    return bytes.dropFirst().allSatisfy { $0.isWordByte || [0x2b, 0x2d, 0x2e].contains($0) }
  }

  func apply(_ text: String) -> String {
    var result = ""
    var word = String.UnicodeScalarView()
    for scalar in Markup.escape(text).unicodeScalars {
      if scalar.isPythonSpace {
        result += link(String(word))
        word = String.UnicodeScalarView()
        result.unicodeScalars.append(scalar)
      } else {
        word.append(scalar)
      }
    }
    return result + link(String(word))
  }

  private static func dropFirst(_ text: String, _ count: Int) -> String {
    String(decoding: text.utf8.dropFirst(count), as: UTF8.self)
  }

  private static func count(_ part: String, in text: String) -> Int {
    PythonString.split(text, part, limit: -1).count - 1
  }

  private func link(_ word: String) -> String {
    if word.utf8.isEmpty { return "" }
    var middle = word
    var head = ""
    var tail = ""
    while let opening = ["(", "<", "&lt;"].first(where: { PythonString.hasPrefix(middle, $0) }) {
      head += opening
      middle = Self.dropFirst(middle, opening.utf8.count)
    }
    while let closing = [")", ">", ".", ",", "&gt;"].first(where: { PythonString.hasSuffix(middle, $0) }) {
      tail = closing + tail
      middle = String(decoding: middle.utf8.dropLast(closing.utf8.count), as: UTF8.self)
    }
    // Closing brackets go back where the address opens more of them than it closes.
    for (opening, closing) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
      let opened = Self.count(opening, in: middle)
      guard opened > Self.count(closing, in: middle) else { continue }
      for _ in 0..<min(opened, Self.count(closing, in: tail)) {
        guard let found = PythonString.find(closing, in: tail) else { break }
        let end = found + closing.utf8.count
        middle += String(decoding: tail.utf8.prefix(end), as: UTF8.self)
        tail = Self.dropFirst(tail, end)
      }
    }
    return head + anchor(middle) + tail
  }

  private func anchor(_ text: String) -> String {
    let shown =
      limit.map { PythonString.length(text) > $0 ? PythonString.text(text.unicodeScalars.prefix($0)) + "..." : text }
      ?? text
    if WebAddress.matches(text) {
      let isWhole = PythonString.hasPrefix(text, "https://") || PythonString.hasPrefix(text, "http://")
      return "<a href=\"\(isWhole ? "" : "https://")\(text)\"\(attributes)>\(shown)</a>"
    }
    if PythonString.hasPrefix(text, "mailto:"), isMail(Self.dropFirst(text, 7)) {
      return "<a href=\"\(text)\">\(Self.dropFirst(text, 7))</a>"
    }
    let isForeign = [":", "www.", "http://", "https://"].contains { prefix in
      prefix == ":" ? text.utf8.contains(UInt8(ascii: ":")) : PythonString.hasPrefix(text, prefix)
    }
    if !isForeign, isMail(text) { return "<a href=\"mailto:\(text)\">\(text)</a>" }
    for scheme in schemes where text != scheme && PythonString.hasPrefix(text, scheme) {
      return "<a href=\"\(text)\"\(attributes)>\(text)</a>"
    }
    return text
  }

  /// Something, an at sign, and a host with a dot.
  private func isMail(_ text: String) -> Bool {
    let parts = PythonString.split(text, "@", limit: -1)
    guard parts.count > 1, let host = parts.last, parts.dropLast().joined(separator: "@").utf8.count > 0,
      let first = host.unicodeScalars.first, first == "_" || first.isWordScalar
    else { return false }
    let labels = PythonString.split(host, ".", limit: -1)
    guard labels.count > 1, let last = labels.last, !last.utf8.isEmpty else { return false }
    return last.unicodeScalars.allSatisfy { $0 == "_" || $0.isWordScalar }
      && host.unicodeScalars.allSatisfy { $0 == "." || $0 == "-" || $0 == "_" || $0.isWordScalar }
      && PythonString.length(labels[0]) > 0
  }
}

/// What Jinja takes for a web address.
enum WebAddress {
  private static let domains: Set<String> = ["com", "net", "int", "edu", "gov", "org", "info", "mil"]

  static func matches(_ text: String) -> Bool {
    let lower = PythonString.lower(text)
    // The host ends at the port, path, query or fragment; brackets hold an IPv6 address.
    var rest = lower.unicodeScalars[...]
    var scheme = ""
    for prefix in ["https://", "http://"] where PythonString.hasPrefix(lower, prefix) {
      scheme = prefix
      rest = rest.dropFirst(prefix.unicodeScalars.count)
      break
    }
    let isWWW = scheme.isEmpty && PythonString.hasPrefix(lower, "www.")
    let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    var host = Array(rest[..<end])
    if !scheme.isEmpty, host.first == "[" {
      guard let close = host.firstIndex(of: "]"), isPort(host[(close + 1)...]) else { return false }
      return isSixth(host[1..<close])
    }
    if let colon = host.firstIndex(of: ":") {
      guard isPort(host[colon...]) else { return false }
      host = Array(host[..<colon])
    }
    let labels = host.split(separator: ".", omittingEmptySubsequences: false).map(Array.init)
    guard !labels.contains(where: \.isEmpty) else { return false }
    if !scheme.isEmpty || isWWW {
      let names = isWWW ? labels.dropFirst() : labels[...]
      if let top = names.last, isTop(top), names.dropLast().allSatisfy({ $0.allSatisfy(isNamePart) }) { return true }
      return !scheme.isEmpty && labels.count == 4
        && labels.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy(isDigit) }
    }
    guard labels.count > 1, let top = labels.last else { return false }
    return domains.contains(PythonString.text(top))
      && labels.dropLast().allSatisfy { (2...63).contains($0.count) && $0.allSatisfy(isNamePart) }
  }

  private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "%" || scalar == "-" || scalar == "_" || scalar.isWordScalar
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  private static func isTop(_ label: [Unicode.Scalar]) -> Bool {
    if (2...63).contains(label.count), label.allSatisfy({ ("a"..."z").contains($0) }) { return true }
    let name = PythonString.text(label)
    return PythonString.hasPrefix(name, "xn--") && (6...63).contains(label.count)
      && label.dropFirst(4).allSatisfy { $0 == "%" || $0 == "_" || $0.isWordScalar }
  }

  /// Nothing, or a colon and one to five digits.
  private static func isPort(_ text: some Collection<Unicode.Scalar>) -> Bool {
    guard let first = text.first else { return true }
    return first == ":" && (2...6).contains(text.count) && text.dropFirst().allSatisfy(isDigit)
  }

  private static func isSixth(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
    let groups = text.split(separator: ":", omittingEmptySubsequences: false)
    return (3...9).contains(groups.count)
      && groups.allSatisfy { $0.count <= 4 && $0.allSatisfy { isDigit($0) || ("a"..."f").contains($0) } }
  }
}
