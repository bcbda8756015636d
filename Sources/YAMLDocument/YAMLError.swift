/// Why a text is not the YAML document it should be: the place, the reason and the line it stands on.
package struct YAMLError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Whether the text breaks YAML's grammar, asks for something that is not supported, or exceeds a limit.
  package enum Kind: Sendable, Equatable {
    case syntax
    case unsupported
    case limit
  }

  package var kind: Kind
  package var message: String
  /// The file as the caller named it.
  package var path: String
  /// From 1.
  package var line: Int
  /// In characters, from 1.
  package var column: Int
  /// The line and its neighbours, numbered, with a caret below the place; empty when the place is past the text.
  package var excerpt: String

  /// `path:line:column: message` and the excerpt below it.
  package var description: String {
    let head = "\(path):\(line):\(column): \(message)"
    return excerpt.isEmpty ? head : head + "\n" + excerpt
  }

  /// Describes a fault at a place of a text.
  init(_ kind: Kind, _ message: String, at place: YAMLPlace, path: String, text: [UInt8]) {
    self.kind = kind
    self.message = message
    self.path = path
    self.line = place.line
    self.column = place.column
    self.excerpt = YAMLError.excerpt(of: text, at: place)
  }

  /// At most this many characters of a line are shown.
  private static let widthLimit = 160

  private static func excerpt(of text: [UInt8], at place: YAMLPlace) -> String {
    let lines = text.split(separator: 0x0A, maxSplits: place.line, omittingEmptySubsequences: false).prefix(place.line)
    guard lines.count == place.line else { return "" }
    let gutter = String(place.line).count
    var rows: [String] = []
    for number in max(1, place.line - 1)...place.line {
      var line = String(decoding: lines[number - 1], as: UTF8.self)
      if line.last == "\r" { line.removeLast() }
      let label = String(number)
      rows.append("  " + String(repeating: " ", count: gutter - label.count) + label + " | " + line.prefix(widthLimit))
    }
    if place.column <= widthLimit {
      rows.append("  " + String(repeating: " ", count: gutter + 3 + place.column - 1) + "^")
    }
    return rows.joined(separator: "\n")
  }
}

/// A place in a text: line and column from 1.
struct YAMLPlace: Sendable, Equatable {
  var line: Int
  var column: Int
}

/// Bounds on what a document may make the parser do.
package struct YAMLLimits: Sendable {
  /// Bytes of the document.
  package var bytes: Int
  /// Nesting of lists and mappings, aliases expanded.
  package var depth: Int
  /// Scalars, lists and mappings of the document, every alias counted as all that it stands for.
  package var nodes: Int

  package init(bytes: Int = 32 << 20, depth: Int = 100, nodes: Int = 2_000_000) {
    self.bytes = bytes
    self.depth = depth
    self.nodes = nodes
  }
}
