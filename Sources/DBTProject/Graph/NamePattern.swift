/// A shell-style pattern over a whole text, as Python's `fnmatch` reads it: `*`, `?`, `[abc]`, `[!a-z]`; case matters.
package struct NamePattern: Sendable {
  private enum Piece {
    case any
    case one
    case literal(Character)
    case set([ClosedRange<Character>], negated: Bool)
  }

  private let pieces: [Piece]

  package init(_ text: String) {
    var pieces: [Piece] = []
    var rest = Substring(text)
    while let first = rest.popFirst() {
      switch first {
      case "*":
        if case .any? = pieces.last { continue }
        pieces.append(.any)
      case "?": pieces.append(.one)
      case "[":
        if let set = NamePattern.set(&rest) { pieces.append(set) } else { pieces.append(.literal("[")) }
      default: pieces.append(.literal(first))
      }
    }
    self.pieces = pieces
  }

  /// Whether `text` contains anything this type treats specially.
  package static func isPattern(_ text: String) -> Bool { text.contains { "*?[]".contains($0) } }

  /// Whether the pattern covers the whole text. Linear in the text times the number of stars.
  package func matches(_ text: String) -> Bool {
    let characters = Array(text)
    var (at, piece) = (0, 0)
    var retry: (at: Int, piece: Int)?
    while at < characters.count {
      if piece < pieces.count {
        if case .any = pieces[piece] {
          retry = (at, piece)
          piece += 1
          continue
        }
        if accepts(pieces[piece], characters[at]) {
          (at, piece) = (at + 1, piece + 1)
          continue
        }
      }
      guard let last = retry else { return false }
      retry = (last.at + 1, last.piece)
      (at, piece) = (last.at + 1, last.piece + 1)
    }
    return pieces[piece...].allSatisfy { if case .any = $0 { true } else { false } }
  }

  private func accepts(_ piece: Piece, _ character: Character) -> Bool {
    switch piece {
    case .any, .one: true
    case .literal(let expected): expected == character
    case .set(let ranges, let negated): ranges.contains { $0.contains(character) } != negated
    }
  }

  /// Reads a set after its `[`; leaves the text alone and answers nil when the set has no end.
  private static func set(_ rest: inout Substring) -> Piece? {
    var inside = rest
    let negated = inside.first == "!"
    if negated { inside.removeFirst() }
    var members: [Character] = []
    while let next = inside.popFirst() {
      if next == "]", !members.isEmpty {
        rest = inside
        return .set(ranges(members), negated: negated)
      }
      members.append(next)
    }
    return nil
  }

  private static func ranges(_ members: [Character]) -> [ClosedRange<Character>] {
    var ranges: [ClosedRange<Character>] = []
    var at = 0
    while at < members.count {
      if at + 2 < members.count, members[at + 1] == "-" {
        if members[at] <= members[at + 2] { ranges.append(members[at]...members[at + 2]) }
        at += 3
      } else {
        ranges.append(members[at]...members[at])
        at += 1
      }
    }
    return ranges
  }
}

/// A pattern over slash-separated paths, as Python's `Path.glob` reads it: `**` spans folders, `*` does not.
package struct PathPattern: Sendable {
  private let segments: [NamePattern?]

  package init(_ text: String) {
    segments = text.split(separator: "/").filter { $0 != "." }.map { $0 == "**" ? nil : NamePattern(String($0)) }
  }

  /// Whether the pattern covers the whole path.
  package func matches(_ path: String) -> Bool {
    let parts = path.split(separator: "/").map(String.init)
    // reachable[i]: the first i parts are covered by the segments so far.
    var reachable = [Bool](repeating: false, count: parts.count + 1)
    reachable[0] = true
    for segment in segments {
      var next = [Bool](repeating: false, count: parts.count + 1)
      if let segment {
        for at in 0..<parts.count where reachable[at] && segment.matches(parts[at]) { next[at + 1] = true }
      } else {
        var open = false
        for at in 0...parts.count {
          open = open || reachable[at]
          next[at] = open
        }
      }
      reachable = next
    }
    return !segments.isEmpty && reachable[parts.count]
  }
}
