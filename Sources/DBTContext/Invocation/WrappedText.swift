/// Wraps paragraphs as Python's `textwrap.fill` does with the options that dbt gives it.
struct WrappedText {
  /// The characters of a line, at least 1.
  let width: Int
  /// Characters that the first line has besides those of the text.
  var hidden = 0

  /// The paragraphs, between which an empty line stands, each wrapped and on lines of its own.
  func wrapped(_ text: String) -> String {
    let normal = text.replacing("\r\n", with: "\n").unicodeScalars
    var paragraphs: [[Unicode.Scalar]] = [[]]
    var at = normal.startIndex
    while at < normal.endIndex {
      let next = normal.index(after: at)
      if normal[at] == "\n", next < normal.endIndex, normal[next] == "\n" {
        paragraphs.append([])
        at = normal.index(after: next)
      } else {
        paragraphs[paragraphs.count - 1].append(normal[at])
        at = next
      }
    }
    var lines: [String] = []
    for (index, paragraph) in paragraphs.enumerated() { lines += self.lines(paragraph, isFirst: index == 0) }
    return lines.joined(separator: "\n")
  }

  /// The lines of one paragraph; one empty line for an empty one.
  private func lines(_ text: [Unicode.Scalar], isFirst: Bool) -> [String] {
    var chunks = WrappedText.chunks(text)[...]
    var lines: [String] = []
    while !chunks.isEmpty {
      if !lines.isEmpty, chunks.first?.isBlank ?? false { chunks.removeFirst() }
      let room = max(1, width - (isFirst && lines.isEmpty ? hidden : 0))
      var line: [Chunk] = []
      var left = room
      while let chunk = chunks.first, chunk.text.count <= left {
        line.append(chunk)
        left -= chunk.text.count
        chunks.removeFirst()
      }
      if let long = chunks.first, long.text.count > room {
        // A word that fits no line is begun on this one.
        line.append(Chunk(text: Array(long.text.prefix(left)), isBlank: false))
        chunks[chunks.startIndex].text.removeFirst(left)
      }
      if line.last?.isBlank ?? false { line.removeLast() }
      if !line.isEmpty { lines.append(String(String.UnicodeScalarView(line.flatMap(\.text)))) }
    }
    return lines.isEmpty ? [""] : lines
  }

  /// A word or the blanks between two.
  private struct Chunk {
    var text: [Unicode.Scalar]
    var isBlank: Bool
  }

  /// Words and blanks in turn; every blank is a space.
  private static func chunks(_ text: [Unicode.Scalar]) -> [Chunk] {
    var chunks: [Chunk] = []
    for scalar in text {
      let isBlank = [" ", "\t", "\n", "\u{0B}", "\u{0C}", "\r"].contains(scalar)
      let kept: [Unicode.Scalar] = scalar == "\t" ? Array(repeating: " ", count: 8) : isBlank ? [" "] : [scalar]
      if chunks.last?.isBlank == isBlank {
        chunks[chunks.count - 1].text += kept
      } else {
        chunks.append(Chunk(text: kept, isBlank: isBlank))
      }
    }
    return chunks
  }
}
