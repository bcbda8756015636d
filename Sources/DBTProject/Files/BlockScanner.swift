/// A `{% name … %} … {% endname %}` block found by scanning text.
struct TextBlock: Sendable, Equatable {
  /// The word after the tag's name.
  var name: String
  /// The text between the tags, cut as `-` marks ask.
  var contents: String
  /// The block with its tags.
  var full: String
  /// Line of the opening tag, from 1.
  var line: Int
}

/// Cuts top-level blocks of some kinds out of a text without rendering it: snapshots, docs, macros.
///
/// Comments, raw blocks and strings inside tags are stepped over. Blocks of other kinds are ignored.
struct BlockScanner {
  /// The tags' names, such as `snapshot`.
  let tags: Set<String>
  /// Tags of other kinds that stand outside of blocks, as far as the text has been scanned.
  private(set) var unexpected: [String] = []
  private let characters: [UInt8]
  private var at = 0

  init(_ text: String, tag: String) { self.init(text, tags: [tag]) }

  init(_ text: String, tags: Set<String>) {
    self.tags = tags
    characters = Array(text.utf8)
  }

  /// The blocks in the order of the text.
  ///
  /// - Throws: a compilation error with the line when a block has no name, no end or starts inside another one.
  mutating func blocks() throws(ProjectError) -> [TextBlock] {
    var blocks: [TextBlock] = []
    var open: (tag: String, name: String, start: Int, inner: Int)?
    while let mark = try nextTag() {
      if open == nil, !tags.contains(mark.word) { unexpected.append(mark.word) }
      if mark.word == "raw" {
        skipRaw()
      } else if tags.contains(mark.word) {
        guard open == nil else {
          throw fault("Got an unexpected block start inside a '\(open?.tag ?? "")' block", mark.start)
        }
        guard let name = mark.argument else { throw fault("The '\(mark.word)' block has no name", mark.start) }
        open = (mark.word, name, mark.start, mark.end)
      } else if let block = open, mark.word == "end" + block.tag {
        blocks.append(
          TextBlock(
            name: block.name, contents: text(block.inner, mark.start, trimsEnd: mark.trimsBefore),
            full: text(block.start, mark.end), line: line(of: block.start)))
        open = nil
      }
    }
    if let open {
      throw fault("Reached EOF without finding a close tag for \(open.tag) (searched for end\(open.tag))", open.start)
    }
    return blocks
  }

  private struct Mark {
    var word: String
    var argument: String?
    var start: Int
    /// After the tag, and after blanks when it ends in `-%}`.
    var end: Int
    var trimsBefore: Bool
  }

  /// Steps to the next `{% … %}`.
  private mutating func nextTag() throws(ProjectError) -> Mark? {
    while at + 1 < characters.count {
      if matches("{#", at) {
        guard let end = find("#}", from: at + 2) else {
          throw fault("Reached EOF without finding a close tag for a comment", at)
        }
        at = end + 2
      } else if matches("{{", at) {
        at = tagEnd("}}", from: at + 2) ?? at + 2
      } else if matches("{%", at) {
        return try tagHere()
      } else {
        at += 1
      }
    }
    return nil
  }

  private mutating func tagHere() throws(ProjectError) -> Mark {
    let start = at
    guard let close = tagEnd("%}", from: at + 2) else {
      throw fault("Reached EOF without finding the end of a tag", at)
    }
    var inner = characters[(start + 2)..<(close - 2)]
    let trimsBefore = inner.first == UInt8(ascii: "-")
    if trimsBefore || inner.first == UInt8(ascii: "+") { inner.removeFirst() }
    let trimsAfter = inner.last == UInt8(ascii: "-")
    if trimsAfter || inner.last == UInt8(ascii: "+") { inner.removeLast() }
    let words = inner.split { !BlockScanner.isWordByte($0) }.prefix(2).map { String(decoding: $0, as: UTF8.self) }
    at = close
    if trimsAfter { while at < characters.count, BlockScanner.isBlank(characters[at]) { at += 1 } }
    return Mark(
      word: words.first ?? "", argument: words.count > 1 ? words[1] : nil, start: start, end: at,
      trimsBefore: trimsBefore)
  }

  /// The offset after `close`, strings stepped over; nil when there is none.
  private func tagEnd(_ close: String, from start: Int) -> Int? {
    var at = start
    while at < characters.count {
      switch characters[at] {
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        let quote = characters[at]
        at += 1
        while at < characters.count, characters[at] != quote { at += characters[at] == UInt8(ascii: "\\") ? 2 : 1 }
        at += 1
      default:
        if matches(close, at) { return at + 2 }
        at += 1
      }
    }
    return nil
  }

  private mutating func skipRaw() {
    var from = at
    while let next = find("{%", from: from) {
      let close = tagEnd("%}", from: next + 2) ?? characters.count
      let words = characters[(next + 2)..<max(next + 2, close - 2)].split { !BlockScanner.isWordByte($0) }
      if words.first.map({ String(decoding: $0, as: UTF8.self) }) == "endraw" {
        at = close
        return
      }
      from = next + 2
    }
    at = characters.count
  }

  private func text(_ start: Int, _ end: Int, trimsEnd: Bool = false) -> String {
    var end = end
    if trimsEnd { while end > start, BlockScanner.isBlank(characters[end - 1]) { end -= 1 } }
    return String(decoding: characters[start..<end], as: UTF8.self)
  }

  private func matches(_ text: String, _ at: Int) -> Bool { characters[at...].starts(with: text.utf8) }

  private func find(_ text: String, from start: Int) -> Int? {
    var at = start
    while at < characters.count {
      if matches(text, at) { return at }
      at += 1
    }
    return nil
  }

  private func line(of offset: Int) -> Int { 1 + characters[..<offset].count { $0 == UInt8(ascii: "\n") } }

  private func fault(_ message: String, _ offset: Int) -> ProjectError {
    ProjectError(.compilation, message, line: line(of: offset))
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || byte >= 0x80 || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}
