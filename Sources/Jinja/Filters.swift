import Glibc
import PlainData

/// Jinja's built-in filters and dbt's five, by name. Sequences are in `SequenceFilters`, HTML in `MarkupFilters`.
enum Filters {
  typealias Body = @Sendable (Value, Arguments, Evaluation) throws -> Value

  static let table: [String: Body] = {
    var table: [String: Body] = [:]
    table.merge(text) { $1 }
    table.merge(numbers) { $1 }
    table.merge(SequenceFilters.table) { $1 }
    table.merge(MarkupFilters.table) { $1 }
    table.merge(dbt) { $1 }
    for name in bare {
      guard let body = table[name] else { continue }
      table[name] = { value, arguments, evaluation in
        _ = try arguments.bind("do_" + name, [])
        return try body(value, arguments, evaluation)
      }
    }
    return table
  }()

  /// Filters without arguments.
  private static let bare = [
    "abs", "count", "length", "list", "first", "last", "random", "reverse", "items", "wordcount", "striptags", "safe",
    "forceescape", "escape", "e", "urlencode", "pprint", "is_list", "as_text", "as_bool", "as_number", "as_native",
  ]

  /// A filter on the text of its input.
  private static func onText(
    _ name: String, _ body: @escaping @Sendable (String) -> String
  ) -> Body {
    { value, arguments, evaluation in
      _ = try arguments.bind(name, [])
      let text = try evaluation.text(of: value)
      try evaluation.charge(bytes: text.utf8.count)
      return like(value, body(text))
    }
  }

  /// Text marked as safe where the input was.
  static func like(_ input: Value, _ text: String) -> Value {
    input.objectValue is Markup ? .object(Markup(text)) : .string(text)
  }

  private static let text: [String: Body] = [
    "upper": onText("upper", PythonString.upper),
    "lower": onText("lower", PythonString.lower),
    "capitalize": onText("capitalize", PythonString.capitalize),
    "title": { value, arguments, evaluation in
      _ = try arguments.bind("title", [])
      let text = try evaluation.text(of: value)
      try evaluation.charge(bytes: text.utf8.count)
      return .string(title(text))
    },
    "string": { value, arguments, evaluation in
      _ = try arguments.bind("string", [])
      if value.stringValue != nil { return value }
      return .string(try evaluation.text(of: value))
    },
    "trim": { value, arguments, evaluation in
      let characters = try arguments.bind("trim", ["chars?"])[0] ?? .none
      return like(
        value,
        PythonString.strip(
          try evaluation.text(of: value), characters.isNone ? nil : try characters.requireString("strip")))
    },
    "replace": { value, arguments, evaluation in
      let bound = try arguments.bind("replace", ["old", "new", "count?"])
      let count = bound[2].flatMap { $0.isNone ? nil : $0 }
      let (old, new) = (bound[0] ?? .none, bound[1] ?? .none)
      var subject = value
      if evaluation.autoescapes, !(value.objectValue is Markup),
        old.objectValue is Markup || new.objectValue is Markup
      {
        subject = .object(Markup(try evaluation.escaped(value)))
      }
      let isMarked = evaluation.autoescapes && subject.objectValue is Markup
      let text = try PythonString.replace(
        try evaluation.text(of: subject), try evaluation.text(of: old),
        isMarked ? try evaluation.escaped(new) : try evaluation.text(of: new), try count?.requireInt() ?? -1, evaluation
      )
      return isMarked ? .object(Markup(text)) : .string(text)
    },
    "center": { value, arguments, evaluation in
      let width = try arguments.bind("center", ["width?"])[0]?.requireInt() ?? 80
      return like(value, try PythonString.center(try evaluation.text(of: value), width, " ", evaluation))
    },
    "format": { value, arguments, evaluation in
      let format = try evaluation.text(of: value)
      guard arguments.positional.isEmpty || arguments.keywords.isEmpty else {
        throw JinjaError(.filterArgument, "can't handle positional and keyword arguments at the same time")
      }
      let escapes = value.objectValue is Markup
      if arguments.keywords.isEmpty {
        return like(
          value, try PrintfFormat.apply(format, .tuple(arguments.positional), evaluation, escapes: escapes))
      }
      let named = DictObject(arguments.keywords.map { (key: .string($0.name), value: $0.value) })
      return like(value, try PrintfFormat.apply(format, .dict(named), evaluation, escapes: escapes))
    },
    "indent": indent,
    "truncate": truncate,
    "wordcount": { value, _, evaluation in
      var count = 0
      var inWord = false
      for scalar in try evaluation.text(of: value).unicodeScalars {
        let isWord = scalar == "_" || scalar.isPythonAlpha || scalar.properties.numericType != nil
        if isWord, !inWord { count += 1 }
        inWord = isWord
      }
      return .int(count)
    },
    "wordwrap": { value, arguments, evaluation in
      let bound = try arguments.bind(
        "wordwrap", ["width?", "break_long_words?", "wrapstring?", "break_on_hyphens?"])
      let newline = bound[2].flatMap { $0.isNone ? nil : $0 } ?? .string("\n")
      let wrapper = TextWrap(
        width: try bound[0]?.requireInt() ?? 79, breaksWords: bound[1]?.isTruthy ?? true,
        breaksHyphens: bound[3]?.isTruthy ?? true)
      guard let text = value.stringValue else {
        if case .undefined(let undefined) = value { throw undefined.error }
        throw JinjaError(.attribute, "'\(value.typeName)' object has no attribute 'splitlines'")
      }
      let lines = try PythonString.lines(text, keepEnds: false).map {
        try wrapper.wrap($0).joined(separator: try newline.requireString("wordwrap"))
      }
      return .string(lines.joined(separator: try newline.requireString("wordwrap")))
    },
    "pprint": { value, _, evaluation in
      // The plain text bounds the size of the tree, which shared parts can make exponential.
      _ = try evaluation.repr(of: value)
      return .string(PrettyText.text(of: value))
    },
    "tojson": { value, arguments, evaluation in
      let indent = try arguments.bind("tojson", ["indent?"])[0] ?? .none
      var pad: String?
      if let text = indent.stringValue {
        pad = text
      } else if !indent.isNone {
        let width = max(0, try indent.requireInt())
        try evaluation.charge(bytes: width)
        pad = String(repeating: " ", count: width)
      }
      var text = try PythonJSON.text(
        try hostForms(value, evaluation), sortedKeys: true, indent: pad, limit: evaluation.limits.outputBytes)
      evaluation.spend(steps: text.utf8.count / 8)
      for (character, escape) in [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("'", "\\u0027")] {
        text = try PythonString.replace(text, character, escape, -1, evaluation)
      }
      return .object(Markup(text))
    },
  ]

  /// Jinja's title: a capital after white space, dashes and opening brackets.
  @Sendable private static func title(_ text: String) -> String {
    var result = ""
    var atStart = true
    for scalar in text.unicodeScalars {
      let isSeparator = scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar)
      if isSeparator {
        result.unicodeScalars.append(scalar)
      } else {
        result += atStart ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
      }
      atStart = isSeparator
    }
    return result
  }

  @Sendable private static func indent(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("indent", ["width?", "first?", "blank?"])
    let unit: String
    if let text = bound[0]?.stringValue {
      unit = text
    } else {
      let width = max(0, try bound[0]?.requireInt() ?? 4)
      try evaluation.charge(bytes: width)
      unit = String(repeating: " ", count: width)
    }
    guard let text = value.stringValue else {
      if case .undefined(let undefined) = value { throw undefined.error }
      // Python appends the line break to a list and only then misses the method.
      if value.listValue != nil { throw JinjaError(.attribute, "'list' object has no attribute 'splitlines'") }
      throw Arithmetic.unsupported("+=", value, .string(""))
    }
    var lines = PythonString.lines(text + "\n", keepEnds: false)
    try evaluation.charge(bytes: text.utf8.count + unit.utf8.count * lines.count)
    if bound[2]?.isTruthy ?? false {
      let joined = lines.joined(separator: "\n" + unit)
      return like(value, bound[1]?.isTruthy ?? false ? unit + joined : joined)
    }
    let head = lines.isEmpty ? "" : lines.removeFirst()
    let rest = lines.map { "\n" + ($0.isEmpty ? "" : unit + $0) }.joined()
    return like(value, (bound[1]?.isTruthy ?? false ? unit : "") + head + rest)
  }

  @Sendable private static func truncate(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("truncate", ["length?", "killwords?", "end?", "leeway?"])
    let length = try bound[0]?.requireInt() ?? 255
    let end = try bound[2]?.requireString("truncate") ?? "..."
    let leeway = try bound[3].flatMap { $0.isNone ? nil : $0 }?.requireInt() ?? 5
    let endLength = PythonString.length(end)
    guard length >= endLength else {
      throw JinjaError(.check, "expected length >= \(endLength), got \(length)")
    }
    guard leeway >= 0 else { throw JinjaError(.check, "expected leeway >= 0, got \(leeway)") }
    if try evaluation.length(of: value) <= length + leeway { return value }
    let killsWords = bound[1]?.isTruthy ?? false
    guard let text = value.stringValue else {
      throw JinjaError(
        killsWords || value.dictValue != nil ? .type : .attribute,
        "'\(value.typeName)' object has no attribute 'rsplit'")
    }
    let cut = PythonString.text(text.unicodeScalars.prefix(length - endLength))
    let tail = value.objectValue is Markup ? Markup.escape(end) : end
    if killsWords { return like(value, cut + tail) }
    return like(value, (PythonString.splitFromRight(cut, " ", limit: 1).first ?? cut) + tail)
  }

  // MARK: Numbers

  private static let numbers: [String: Body] = [
    "abs": { value, _, _ in
      switch value {
      case .int(let number) where number >= 0: return value
      case .int, .bool: return try Arithmetic.negate(value).absoluteInteger
      case .bigInt(let number): return Arithmetic.integer(number.absolute)
      case .double(let number): return .double(number.magnitude)
      case .decimal(let number): return .decimal(number.isNegative ? number.negated : number)
      case .object(let object):
        if let negated = try object.negated() {
          return try Value.isNegative(value, negated) ? negated : value
        }
        throw JinjaError(.type, "bad operand type for abs(): '\(value.typeName)'")
      default: throw JinjaError(.type, "bad operand type for abs(): '\(value.typeName)'")
      }
    },
    "int": { value, arguments, _ in
      let bound = try arguments.bind("int", ["default?", "base?"])
      let fallback = bound[0] ?? .int(0)
      return try NumberText.integer(value, base: try bound[1]?.requireInt() ?? 10) ?? fallback
    },
    "float": { value, arguments, _ in
      let fallback = try arguments.bind("float", ["default?"])[0] ?? .double(0)
      return try NumberText.float(value).map(Value.double) ?? fallback
    },
    "round": round,
    "filesizeformat": { value, arguments, _ in
      let isBinary = try arguments.bind("filesizeformat", ["binary?"])[0]?.isTruthy ?? false
      guard let bytes = try NumberText.float(value) else {
        throw JinjaError(
          value.stringValue == nil ? .type : .value, "could not convert value to float: \(value.shortRepr)")
      }
      return .string(fileSize(bytes, isBinary))
    },
  ]

  private static func fileSize(_ bytes: Double, _ isBinary: Bool) -> String {
    let base = isBinary ? 1024.0 : 1000.0
    if bytes == 1 { return "1 Byte" }
    if bytes < base { return "\(BigInteger(bytes)?.text ?? "0") Bytes" }
    var unit = base
    for prefix in ["k", "M", "G", "T", "P", "E", "Z", "Y"] {
      unit *= base
      if bytes < unit || prefix == "Y" {
        let name = isBinary ? (prefix == "k" ? "K" : prefix) + "iB" : prefix + "B"
        return FloatText.text(base * bytes / unit, "f", 1) + " " + name
      }
    }
    return ""
  }

  @Sendable private static func round(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("round", ["precision?", "method?"])
    let precision = try bound[0]?.requireInt() ?? 0
    let method = bound[1]?.text ?? "common"
    guard ["common", "ceil", "floor"].contains(method) else {
      throw JinjaError(.filterArgument, "method must be common, ceil or floor")
    }
    if method == "common" {
      switch value {
      case .double(let number): return .double(FloatText.round(number, precision))
      case .decimal(let number): return .decimal(number.quantized(to: max(-400, min(400, -precision))))
      case .int, .bool, .bigInt:
        guard precision < 0, precision > -400 else { return try Arithmetic.plus(value) }
        let exact = try PythonDecimal(NumberText.exact(value)).quantized(to: -precision)
        return Arithmetic.integer(exact.truncated)
      default: throw JinjaError(.type, "type \(value.typeName) doesn't define __round__ method")
      }
    }
    let power = try evaluation.binary(.power, .int(10), .int(precision))
    let scaled = try evaluation.binary(.multiply, value, power)
    let whole: Value
    switch scaled {
    case .double(let number):
      guard let integer = BigInteger(method == "ceil" ? number.rounded(.up) : number.rounded(.down)) else {
        throw JinjaError(.overflow, "cannot convert float \(number.pythonRepr) to integer")
      }
      whole = Arithmetic.integer(integer)
    case .decimal(let number):
      var integer = number.truncated
      if !number.isIntegral, number.isNegative == (method == "floor") {
        integer = integer + BigInteger(number.isNegative ? -1 : 1)
      }
      whole = Arithmetic.integer(integer)
    default: whole = scaled
    }
    return try evaluation.binary(.divide, whole, power)
  }

  // MARK: dbt

  private static func marking(_ wish: NativeMarker.Wish) -> Body {
    { value, _, evaluation in
      evaluation.isNative ? .object(NativeMarker(try evaluation.text(of: value), wish)) : value
    }
  }

  private static let dbt: [String: Body] = [
    "as_text": marking(.text), "as_bool": marking(.bool), "as_number": marking(.number), "as_native": marking(.native),
    "is_list": { value, _, _ in .bool(value.listValue != nil) },
  ]
}

extension Filters {
  /// A host object that has a form as plain data in that form; everything else as it is.
  fileprivate static func hostForms(_ value: Value, _ evaluation: Evaluation) throws -> Value {
    guard case .object(let object) = value, value.stringValue == nil, let plain = try object.plain() else {
      return value
    }
    return Value(plain)
  }
}

extension Value {
  /// Whether a value is less than its negation.
  fileprivate static func isNegative(_ value: Value, _ negated: Value) throws -> Bool {
    try value.objectValue?.compare(negated).map { $0 < 0 } ?? false
  }

  /// The integer without its sign.
  fileprivate var absoluteInteger: Value {
    get throws {
      switch self {
      case .int(let number) where number < 0: try Arithmetic.negate(self)
      default: self
      }
    }
  }
}

/// Python's `int()` and `float()` of values and text.
enum NumberText {
  static func exact(_ value: Value) throws -> BigInteger {
    switch value {
    case .bigInt(let number): number
    default: BigInteger(try value.requireInt())
    }
  }

  /// The `int` filter: nil when the default applies.
  static func integer(_ value: Value, base: Int) throws -> Value? {
    switch value {
    case .int, .bigInt: return value
    case .bool(let flag): return .int(flag ? 1 : 0)
    case .double(let number):
      // An infinity raises out of the filter in Python too.
      if number.isInfinite { throw JinjaError(.overflow, "cannot convert float infinity to integer") }
      return BigInteger(number).map(Arithmetic.integer)
    case .decimal(let number): return Arithmetic.integer(number.truncated)
    case .undefined(let undefined): throw undefined.error
    default:
      if let number = try value.objectValue?.plain()?.intValue { return .int(number) }
      guard let text = value.stringValue else { return nil }
      if let number = parse(text, base: base) { return Arithmetic.integer(number) }
      return try float(value).flatMap { BigInteger($0) }.map(Arithmetic.integer)
    }
  }

  /// Python's `int(text, base)`.
  static func parse(_ text: String, base: Int) -> BigInteger? {
    guard base == 0 || (2...36).contains(base) else { return nil }
    var digits = Array(ascii(PythonString.strip(text)).utf8)[...]
    var isNegative = false
    if let sign = digits.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      digits.removeFirst()
    }
    var radix = base
    let prefixes: [UInt8: Int] = [UInt8(ascii: "x"): 16, UInt8(ascii: "o"): 8, UInt8(ascii: "b"): 2]
    if digits.count > 2, digits.first == UInt8(ascii: "0"),
      let prefixed = prefixes[digits[digits.startIndex + 1] | 0x20],
      base == 0 || base == prefixed
    {
      radix = prefixed
      digits = digits.dropFirst(2)
      if digits.first == UInt8(ascii: "_") { digits.removeFirst() }
    } else if base == 0 {
      radix = 10
    }
    guard let plain = withoutUnderscores(digits), plain.count <= 4300,
      let number = BigInteger(digits: plain, radix: radix)
    else { return nil }
    return isNegative ? number.negated : number
  }

  /// Decimal digits of any script as ASCII.
  private static func ascii(_ text: String) -> String {
    if PythonString.isASCII(text) { return text }
    return text.unicodeScalars.map { scalar in
      scalar.properties.numericType == .decimal ? String(Int(scalar.properties.numericValue ?? 0)) : String(scalar)
    }.joined()
  }

  /// Underscores may stand between digits only.
  private static func withoutUnderscores(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
    let mark = UInt8(ascii: "_")
    guard digits.first != mark, digits.last != mark else { return nil }
    var previous: UInt8 = 0
    for byte in digits {
      if byte == mark, previous == mark { return nil }
      previous = byte
    }
    return digits.filter { $0 != mark }
  }

  /// Python's `float()`; nil when it raises.
  static func float(_ value: Value) throws -> Double? {
    if case .undefined(let undefined) = value { throw undefined.error }
    if let number = value.number {
      let double = number.doubleValue
      if double.isInfinite, case .big = number { throw JinjaError(.overflow, "int too large to convert to float") }
      return double
    }
    guard let text = value.stringValue else { return nil }
    let trimmed = ascii(PythonString.strip(text))
    switch PythonString.lower(trimmed) {
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    case "nan", "+nan", "-nan": return .nan
    default: break
    }
    guard trimmed.utf8.contains(where: \.isDigit),
      trimmed.utf8.allSatisfy({ $0.isDigit || [0x2b, 0x2d, 0x2e, 0x45, 0x65, 0x5f].contains($0) })
    else { return nil }
    guard let plain = withoutUnderscores(Array(trimmed.utf8)[...]) else { return nil }
    var normal = String(decoding: plain, as: UTF8.self)
    if normal.utf8.last == UInt8(ascii: ".") { normal += "0" }
    return Double(normal)
  }
}
