/// A version of a package with what it means for others: `1.2.3`, `>=1.2.0-rc1`, `<2.0.0`, as dbt reads and compares them.
///
/// That is SemVer 2.0 with differences: the hyphen before a prerelease may be missing, and bounds of different kinds at the
/// same version are ordered by what they admit.
struct VersionSpecifier: Sendable, Hashable, CustomStringConvertible {
  enum Matcher: String, Sendable {
    case exact = "="
    case above = ">"
    case from = ">="
    case below = "<"
    case upTo = "<="
  }

  let matcher: Matcher
  /// Major, minor and patch: digits without leading zeros, of any length.
  private let numbers: [String]
  let prerelease: String?
  private let build: String?

  /// Nil: the text is no version in dbt's eyes; exactly three numbers belong to one.
  init?(_ text: String) {
    var rest = text[...]
    func take(_ mark: String) -> Bool {
      guard rest.hasPrefix(mark) else { return false }
      rest = rest.dropFirst(mark.count)
      return true
    }
    matcher = take(">=") ? .from : take("<=") ? .upTo : take(">") ? .above : take("<") ? .below : .exact
    if matcher == .exact { _ = take("=") }
    guard rest.utf8.count <= 256, let major = Self.number(&rest), take("."), let minor = Self.number(&rest), take("."),
      let most = Self.number(&rest)
    else { return nil }
    // What could belong to the patch or to the prerelease belongs to the patch as far as the rest allows.
    for length in stride(from: most.count, to: 0, by: -1) {
      guard let (prerelease, build) = Self.extras(String(most.dropFirst(length)) + rest) else { continue }
      numbers = [major, minor, String(most.prefix(length))]
      self.prerelease = prerelease
      self.build = build
      return
    }
    return nil
  }

  private static func number(_ rest: inout Substring) -> String? {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    guard let first = digits.first else { return nil }
    let taken = first == "0" ? digits.prefix(1) : digits
    rest = rest.dropFirst(taken.count)
    return String(taken)
  }

  /// What follows the patch; nil when it is neither prerelease nor build.
  private static func extras(_ text: String) -> (prerelease: String?, build: String?)? {
    let mark = text.firstIndex(of: "+")
    let head = text[..<(mark ?? text.endIndex)]
    let metadata = mark.map { String(text[text.index(after: $0)...]) } ?? ""
    guard metadata.allSatisfy({ isLetter($0) || $0 == "." }) else { return nil }
    let build = metadata.isEmpty ? nil : metadata
    if head.isEmpty { return (nil, build) }
    if head.hasPrefix("-"), isPrerelease(head.dropFirst()) { return (String(head.dropFirst()), build) }
    return isPrerelease(head) ? (String(head), build) : nil
  }

  private static func isPrerelease(_ text: Substring) -> Bool {
    text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
      guard !part.isEmpty, part.allSatisfy(isLetter) else { return false }
      return part == "0" || part.first != "0" || !part.allSatisfy(\.isNumber)
    }
  }

  private static func isLetter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "-")
  }

  var description: String { matcher.rawValue + bare }

  /// Without the sign in front.
  var bare: String {
    numbers.joined(separator: ".") + (prerelease.map { "-\($0)" } ?? "") + (build.map { "+\($0)" } ?? "")
  }

  private var isUpperBound: Bool { matcher == .below || matcher == .upTo }
  private var isLowerBound: Bool { matcher == .above || matcher == .from }

  /// Below 0, 0 or above 0, as this one comes before, with or after the other.
  func compare(_ other: VersionSpecifier) -> Int {
    for (mine, theirs) in zip(numbers, other.numbers) {
      let order = Self.order(digits: mine, theirs)
      if order != 0 { return order }
    }
    switch (prerelease, other.prerelease) {
    case (nil, nil): break
    // A bound `<2.0.0` comes before 2.0.0-rc1, so that it does not let that in; else a release follows its prereleases.
    case (nil, _?): return matcher == .below ? -1 : 1
    case (_?, nil): return -1
    case (let mine?, let theirs?):
      let order = Self.order(prerelease: mine, theirs)
      if order != 0 { return order }
    }
    return compareMatchers(other)
  }

  private func compareMatchers(_ other: VersionSpecifier) -> Int {
    switch (matcher, other.matcher) {
    case (.from, .upTo), (.upTo, .from): return 0
    case (.below, .upTo), (.from, .above): return -1
    case (.upTo, .below), (.above, .from): return 1
    default: break
    }
    if isUpperBound, other.isLowerBound { return -1 }
    if isLowerBound, other.isUpperBound { return 1 }
    return 0
  }

  private static func order(digits left: String, _ right: String) -> Int {
    if left.utf8.count != right.utf8.count { return left.utf8.count < right.utf8.count ? -1 : 1 }
    return left == right ? 0 : left.precedes(right) ? -1 : 1
  }

  private static func order(prerelease left: String, _ right: String) -> Int {
    for (mine, theirs) in zip(left.split(separator: "."), right.split(separator: ".")) {
      switch (mine.allSatisfy(\.isNumber), theirs.allSatisfy(\.isNumber)) {
      case (true, false): return -1
      case (false, true): return 1
      case (true, true):
        let order = order(digits: String(mine), String(theirs))
        if order != 0 { return order }
      case (false, false):
        if mine != theirs { return String(mine).precedes(String(theirs)) ? -1 : 1 }
      }
    }
    return (left.utf8.count - right.utf8.count).signum()
  }
}

/// What several specifiers admit together; a bound that is nil is open.
struct VersionRange: Sendable, Hashable, CustomStringConvertible {
  let start: VersionSpecifier?
  let end: VersionSpecifier?

  private init(start: VersionSpecifier?, end: VersionSpecifier?) {
    self.start = start
    self.end = end
  }

  private init(_ one: VersionSpecifier) {
    switch one.matcher {
    case .exact: self.init(start: one, end: one)
    case .above, .from: self.init(start: one, end: nil)
    case .below, .upTo: self.init(start: nil, end: one)
    }
  }

  /// Nil: no version meets all of them. No specifiers admit everything.
  init?(_ all: [VersionSpecifier]) {
    guard let last = all.last else {
      self.init(start: nil, end: nil)
      return
    }
    var range = VersionRange(last)
    for one in all.dropLast() {
      guard let both = range.reduced(by: VersionRange(one)) else { return nil }
      range = both
    }
    self = range
  }

  /// Whether a version lies in the range.
  func admits(_ version: VersionSpecifier) -> Bool { VersionRange([version] + [start, end].compactMap(\.self)) != nil }

  private func reduced(by other: VersionRange) -> VersionRange? {
    if let mine = start, let theirs = other.start, mine.matcher == .exact, theirs.matcher == .exact {
      return mine.compare(theirs) == 0 ? VersionRange(start: mine, end: mine) : nil
    }
    guard let start = Self.narrower(start, other.start, sign: 1), let end = Self.narrower(end, other.end, sign: -1)
    else {
      return nil
    }
    if let low = start.bound, let high = end.bound, low.compare(high) > 0 { return nil }
    return VersionRange(start: start.bound, end: end.bound)
  }

  /// A bound, or none, that two bounds make together.
  private struct Narrowed {
    let bound: VersionSpecifier?
  }

  /// - Parameter sign: 1 for lower bounds, of which the higher counts; -1 for upper ones.
  private static func narrower(_ left: VersionSpecifier?, _ right: VersionSpecifier?, sign: Int) -> Narrowed? {
    guard let left else { return Narrowed(bound: right) }
    guard let right else { return Narrowed(bound: left) }
    let inclusive: VersionSpecifier.Matcher = sign > 0 ? .from : .upTo
    func admitted(_ exact: VersionSpecifier, by bound: VersionSpecifier) -> Narrowed? {
      let order = bound.compare(exact) * sign
      return order < 0 || order == 0 && bound.matcher == inclusive ? Narrowed(bound: exact) : nil
    }
    if left.matcher == .exact { return admitted(left, by: right) }
    if right.matcher == .exact { return admitted(right, by: left) }
    return Narrowed(bound: left.compare(right) * sign < 0 ? right : left)
  }

  var description: String {
    let bounds = [start, end].compactMap { $0?.description }
    return bounds.isEmpty ? "ANY" : bounds.joined(separator: ", ")
  }
}

/// Versions to choose from, as an index lists them.
struct VersionList: Sendable {
  /// The texts of the versions that may be installed, lowest first.
  let texts: [String]
  private let versions: [(text: String, version: VersionSpecifier)]

  /// - Parameter takesPrereleases: whether prereleases count at all.
  init(_ texts: [String], takesPrereleases: Bool) {
    var versions: [(text: String, version: VersionSpecifier)] = []
    for text in texts {
      guard let version = VersionSpecifier(text), takesPrereleases || version.prerelease == nil else { continue }
      versions.append((text, version))
    }
    // Equal ones stay in their order.
    self.versions = versions.enumerated().sorted {
      let order = $0.element.version.compare($1.element.version)
      return order == 0 ? $0.offset < $1.offset : order < 0
    }.map(\.element)
    self.texts = self.versions.map(\.text)
  }

  /// The highest that a range admits; nil: none.
  func highest(in range: VersionRange) -> String? {
    var best: (text: String, version: VersionSpecifier)?
    for one in versions where range.admits(one.version) {
      if let best, best.version.compare(one.version) >= 0 { continue }
      best = one
    }
    return best?.text
  }
}
