/// One token of a template.
struct Token {
  enum Kind: UInt8 {
    case data
    case variableBegin
    case variableEnd
    case blockBegin
    case blockEnd
    case name
    case string
    case integer
    case float
    case symbol
    case end
  }

  var kind: Kind
  var symbol = Symbol.none
  /// The text of data, names and numbers; the decoded value of strings.
  var text = ""
  /// Byte offsets in the source.
  var start: Int
  var end: Int

  /// The token in words, for messages.
  var description: String {
    switch kind {
    case .data: "template data"
    case .variableBegin: "begin of print statement"
    case .variableEnd: "end of print statement"
    case .blockBegin: "begin of statement block"
    case .blockEnd: "end of statement block"
    case .name: text
    case .string: "string"
    case .integer: "integer"
    case .float: "float"
    case .symbol: symbol.rawValue
    case .end: "end of template"
    }
  }
}

/// The operators and delimiters inside tags.
enum Symbol: String {
  case none = ""
  case plus = "+"
  case minus = "-"
  case slash = "/"
  case doubleSlash = "//"
  case star = "*"
  case doubleStar = "**"
  case percent = "%"
  case tilde = "~"
  case leftBracket = "["
  case rightBracket = "]"
  case leftParenthesis = "("
  case rightParenthesis = ")"
  case leftBrace = "{"
  case rightBrace = "}"
  case equal = "=="
  case notEqual = "!="
  case greater = ">"
  case greaterOrEqual = ">="
  case less = "<"
  case lessOrEqual = "<="
  case assign = "="
  case dot = "."
  case colon = ":"
  case pipe = "|"
  case comma = ","
  case semicolon = ";"

  /// The longest symbol that starts with these two bytes.
  init?(_ first: UInt8, _ second: UInt8?) {
    if let second, let symbol = Self.two(first, second) {
      self = symbol
      return
    }
    switch first {
    case UInt8(ascii: "+"): self = .plus
    case UInt8(ascii: "-"): self = .minus
    case UInt8(ascii: "/"): self = .slash
    case UInt8(ascii: "*"): self = .star
    case UInt8(ascii: "%"): self = .percent
    case UInt8(ascii: "~"): self = .tilde
    case UInt8(ascii: "["): self = .leftBracket
    case UInt8(ascii: "]"): self = .rightBracket
    case UInt8(ascii: "("): self = .leftParenthesis
    case UInt8(ascii: ")"): self = .rightParenthesis
    case UInt8(ascii: "{"): self = .leftBrace
    case UInt8(ascii: "}"): self = .rightBrace
    case UInt8(ascii: ">"): self = .greater
    case UInt8(ascii: "<"): self = .less
    case UInt8(ascii: "="): self = .assign
    case UInt8(ascii: "."): self = .dot
    case UInt8(ascii: ":"): self = .colon
    case UInt8(ascii: "|"): self = .pipe
    case UInt8(ascii: ","): self = .comma
    case UInt8(ascii: ";"): self = .semicolon
    default: return nil
    }
  }

  private static func two(_ first: UInt8, _ second: UInt8) -> Symbol? {
    switch (first, second) {
    case (UInt8(ascii: "/"), UInt8(ascii: "/")): .doubleSlash
    case (UInt8(ascii: "*"), UInt8(ascii: "*")): .doubleStar
    case (UInt8(ascii: "="), UInt8(ascii: "=")): .equal
    case (UInt8(ascii: "!"), UInt8(ascii: "=")): .notEqual
    case (UInt8(ascii: ">"), UInt8(ascii: "=")): .greaterOrEqual
    case (UInt8(ascii: "<"), UInt8(ascii: "=")): .lessOrEqual
    default: nil
    }
  }
}
