internal import PlainData
internal import YAMLDocument

/// Feeds the readers of project files and selections with any bytes, for fuzzing: no input may make them trap, hang or
/// grow.
package enum ProjectExercise {
  /// A selection as on the command line, the bytes up to the first NUL selected and the rest excluded, and as the text of
  /// `selectors.yml`.
  package static func selectors(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let texts = parts.map { String(decoding: $0, as: UTF8.self) }
    _ = try? SelectionSpec(select: texts.first.map { [$0] }, exclude: Array(texts.dropFirst()), indirect: .eager)
    guard let document = try? YAMLDocument.parse(bytes, path: "selectors.yml", limits: limits) else { return }
    _ = try? SelectorDefinitions(document, indirect: .cautious)
  }

  /// Cuts blocks out of a text, as of snapshots and docs.
  ///
  /// - Returns: whether each block stands whole in the text with its contents in it.
  package static func blocks(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    for tag in ["snapshot", "docs"] {
      var scanner = BlockScanner(text, tag: tag)
      guard let blocks = try? scanner.blocks() else { continue }
      for block in blocks {
        guard contains(block.full, in: text), contains(block.contents, in: block.full), block.line > 0 else {
          return false
        }
      }
    }
    return true
  }

  private static let limits: YAMLLimits = {
    var limits = YAMLLimits()
    limits.bytes = 1 << 20
    return limits
  }()

  /// Whether the bytes of one text stand in another.
  private static func contains(_ part: String, in text: String) -> Bool {
    let (part, text) = (Array(part.utf8), Array(text.utf8))
    guard let first = part.first else { return true }
    guard part.count <= text.count else { return false }
    return (0...(text.count - part.count)).contains { start in
      text[start] == first && text[start..<(start + part.count)].elementsEqual(part)
    }
  }
}
