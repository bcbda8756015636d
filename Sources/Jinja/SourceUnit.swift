/// A source text and its name, shared by all that was compiled from it.
final class SourceUnit: Sendable {
  /// UTF-8 with every line break as one newline.
  let source: [UInt8]
  let path: String
  /// The number of the first line.
  let firstLine: Int
  /// Characters that stand before the first one on its line, where this was cut out of a larger text.
  private let firstColumn: Int

  /// Normalises line breaks and drops one newline at the end unless it is to be kept.
  init(source text: String, path: String, options: CompileOptions) {
    var bytes = Array(text.utf8)
    if bytes.contains(0x0d) { bytes = SourceUnit.withNewlines(bytes) }
    if !options.keepTrailingNewline, bytes.last == 0x0a { bytes.removeLast() }
    source = bytes
    self.path = path
    firstLine = options.firstLine
    firstColumn = 0
  }

  /// The text with every line break as one newline.
  private static func withNewlines(_ text: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var previous: UInt8 = 0
    for byte in text {
      if byte == 0x0d {
        bytes.append(0x0a)
      } else if byte != 0x0a || previous != 0x0d {
        bytes.append(byte)
      }
      previous = byte
    }
    return bytes
  }

  /// - Throws: a limit error for a text that is larger than the options allow.
  convenience init(bounded text: String, path: String, options: CompileOptions) throws(JinjaError) {
    guard text.utf8.count <= options.sourceBytes else {
      var error = JinjaError(.limit, "template is larger than \(options.sourceBytes) bytes (sourceBytes)")
      error.path = path
      throw error
    }
    self.init(source: text, path: path, options: options)
  }

  /// A part of another unit, whose errors still name the place within the whole.
  init(_ whole: SourceUnit, range: Range<Int>) {
    source = Array(whole.source[range])
    path = whole.path
    firstLine = whole.line(at: range.lowerBound)
    let start = whole.source[..<range.lowerBound].lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    firstColumn = String(decoding: whole.source[start..<range.lowerBound], as: UTF8.self).unicodeScalars.count
  }

  func text(_ range: Range<Int>) -> String { String(decoding: source[range], as: UTF8.self) }

  /// The line number of a byte offset.
  func line(at offset: Int) -> Int {
    source[..<min(offset, source.count)].reduce(firstLine) { $1 == 0x0a ? $0 + 1 : $0 }
  }

  /// A failure at a byte offset, with place and excerpt.
  func error(_ kind: JinjaError.Kind, _ message: String, at offset: Int) -> JinjaError {
    locate(JinjaError(kind, message), at: offset)
  }

  /// Adds the place to an error that has none yet.
  func locate(_ error: JinjaError, at offset: Int) -> JinjaError {
    guard error.path == nil else { return error }
    var error = error
    let offset = min(max(0, offset), source.count)
    let start = source[..<offset].lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    let end = source[offset...].firstIndex(of: 0x0a) ?? source.count
    error.path = path
    error.line = line(at: offset)
    let before = String(decoding: source[start..<offset], as: UTF8.self)
    let column = before.unicodeScalars.count + 1
    error.column = start == 0 ? column + firstColumn : column
    error.excerpt = Self.excerpt(
      String(decoding: source[start..<end], as: UTF8.self), line: error.line, column: column)
    return error
  }

  /// The line with its number and a caret below; long lines are cut around the caret.
  private static func excerpt(_ text: String, line: Int, column: Int) -> String {
    var scalars = Array(text.unicodeScalars)
    var caret = column - 1
    if scalars.count > 160 {
      let start = max(0, min(caret - 60, scalars.count - 120))
      scalars = Array(scalars[start..<min(scalars.count, start + 120)])
      caret -= start
    }
    var shown = String.UnicodeScalarView()
    shown.append(contentsOf: scalars)
    var pad = ""
    for scalar in scalars.prefix(caret) { pad += scalar == "\t" ? "\t" : " " }
    let margin = "  \(line) | "
    let blank = String(repeating: " ", count: margin.utf8.count - 2) + "| "
    return margin + String(shown) + "\n" + blank + pad + "^"
  }
}
