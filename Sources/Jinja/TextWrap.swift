/// Python's `textwrap.wrap` of one line, as the `wordwrap` filter calls it.
struct TextWrap {
  let width: Int
  let breaksWords: Bool
  let breaksHyphens: Bool

  func wrap(_ line: String) throws -> [String] {
    guard width > 0 else { throw JinjaError(.value, "invalid width \(width) (must be > 0)") }
    var chunks = Array(Chunks(line, breaksHyphens: breaksHyphens).all().reversed())
    var lines: [String] = []
    while !chunks.isEmpty {
      var current: [[Unicode.Scalar]] = []
      var length = 0
      if let first = chunks.last, !lines.isEmpty, first.allSatisfy(\.isPythonSpace) { chunks.removeLast() }
      while let next = chunks.last, length + next.count <= width {
        current.append(next)
        length += next.count
        chunks.removeLast()
      }
      if let next = chunks.last, next.count > width { breakLong(&chunks, &current, length) }
      if let last = current.last, last.allSatisfy(\.isPythonSpace) { current.removeLast() }
      if !current.isEmpty { lines.append(PythonString.text(current.joined())) }
    }
    return lines
  }

  private func breakLong(_ chunks: inout [[Unicode.Scalar]], _ current: inout [[Unicode.Scalar]], _ length: Int) {
    guard let word = chunks.popLast() else { return }
    let room = width - length
    if breaksWords {
      var end = room
      if breaksHyphens, word.count > room, let hyphen = word[..<room].lastIndex(of: "-"), hyphen > 0,
        word[..<hyphen].contains(where: { $0 != "-" })
      {
        end = hyphen + 1
      }
      // With no room left this is empty, and keeps the white space before it from being dropped.
      current.append(Array(word.prefix(end)))
      if word.count > end { chunks.append(Array(word.dropFirst(end))) }
    } else if current.isEmpty {
      current.append(word)
    } else {
      chunks.append(word)
    }
  }

  /// The pieces between which a line may be broken: words, runs of white space, dashes, and the parts of hyphenated words.
  private struct Chunks {
    let scalars: [Unicode.Scalar]
    let breaksHyphens: Bool

    init(_ line: String, breaksHyphens: Bool) {
      scalars = Array(line.unicodeScalars)
      self.breaksHyphens = breaksHyphens
    }

    func all() -> [[Unicode.Scalar]] {
      var chunks: [[Unicode.Scalar]] = []
      var at = 0
      while at < scalars.count {
        let end = end(of: at)
        chunks.append(Array(scalars[at..<end]))
        at = end
      }
      return chunks
    }

    private func isSpace(_ index: Int) -> Bool {
      index >= 0 && index < scalars.count && "\t\n\u{0b}\u{0c}\r ".unicodeScalars.contains(scalars[index])
    }

    private func isLetter(_ index: Int) -> Bool {
      guard index >= 0, index < scalars.count else { return false }
      return scalars[index] == "_" || (scalars[index].isWordScalar && scalars[index].properties.numericType == nil)
    }

    private func isWord(_ index: Int) -> Bool {
      index >= 0 && index < scalars.count && (scalars[index] == "_" || scalars[index].isWordScalar)
    }

    /// Whether a character may stand before a dash between words.
    private func isWordOrPunctuation(_ index: Int) -> Bool {
      isWord(index) || (index >= 0 && index < scalars.count && "!\"'&.,?".unicodeScalars.contains(scalars[index]))
    }

    /// The end of a dash (two or more hyphens between words) that starts here; nil when none does.
    private func dashEnd(_ index: Int) -> Int? {
      guard isWordOrPunctuation(index - 1) else { return nil }
      var end = index
      while end < scalars.count, scalars[end] == "-" { end += 1 }
      return end - index >= 2 && isWord(end) ? end : nil
    }

    private func end(of start: Int) -> Int {
      var index = start
      if isSpace(index) {
        while isSpace(index) { index += 1 }
        return index
      }
      if breaksHyphens, let dash = dashEnd(start) { return dash }
      index += 1
      while index < scalars.count, !isSpace(index) {
        if breaksHyphens {
          if isHyphen(index) { return index + 1 }
          if dashEnd(index) != nil { return index }
        }
        index += 1
      }
      return index
    }

    /// Whether a word may be broken after the hyphen here: letters stand around it.
    private func isHyphen(_ index: Int) -> Bool {
      guard scalars[index] == "-" else { return false }
      let isAfterLetters =
        (isLetter(index - 1) && isLetter(index - 2))
        || (isLetter(index - 1) && index >= 3 && scalars[index - 2] == "-" && isLetter(index - 3))
      guard isAfterLetters, isLetter(index + 1) else { return false }
      return isLetter(index + 2) || (index + 2 < scalars.count && scalars[index + 2] == "-" && isLetter(index + 3))
    }
  }
}
