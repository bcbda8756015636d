/// The methods of Python's own types that templates may call.
enum MethodName: String, Sendable {
  // str
  case capitalize, casefold, center, count, encode, endswith, expandtabs, find, format
  case formatMap = "format_map"
  case index, isalnum, isalpha, isascii, isdecimal, isdigit, isidentifier, islower, isnumeric, isprintable, isspace
  case istitle, isupper, join, ljust, lower, lstrip, maketrans, partition, removeprefix, removesuffix, replace, rfind
  case rindex, rjust, rpartition, rsplit, rstrip, split, splitlines, startswith, strip, swapcase, title, translate
  case upper, zfill
  // list, dict
  case append, clear, copy, extend, insert, pop, remove, reverse, sort
  case get, items, keys, popitem, setdefault, update, values, fromkeys
  // numbers
  case isInteger = "is_integer"
  case bitLength = "bit_length"
  case conjugate
  case asIntegerRatio = "as_integer_ratio"
  case quantize
  case toIntegralValue = "to_integral_value"
  case normalize
  case bitCount = "bit_count"
  case toBytes = "to_bytes"
  case fromBytes = "from_bytes"
  case hex, fromhex
  case adjusted, compare, max, min, scaleb, sqrt
  case asTuple = "as_tuple"
  case copyAbs = "copy_abs"
  case copyNegate = "copy_negate"
  case isFinite = "is_finite"
  case isInfinite = "is_infinite"
  case isNaN = "is_nan"
  case isSigned = "is_signed"
  case isZero = "is_zero"
  case numberClass = "number_class"
  case toEngString = "to_eng_string"
  case toIntegral = "to_integral"
  case toIntegralExact = "to_integral_exact"

  private static let decimals: Set<MethodName> = [
    .quantize, .toIntegralValue, .normalize, .adjusted, .compare, .max, .min, .scaleb, .sqrt, .asTuple, .copyAbs,
    .copyNegate, .isFinite, .isInfinite, .isNaN, .isSigned, .isZero, .numberClass, .toEngString, .toIntegral,
    .toIntegralExact, .asIntegerRatio, .conjugate,
  ]

  /// Methods of text, lists and dicts that take keyword arguments; the others refuse them.
  private static let withKeywords: Set<MethodName> = [
    .split, .rsplit, .splitlines, .encode, .expandtabs, .format, .sort, .update,
  ]

  /// Throws Python's TypeError for keyword arguments where the method has none.
  func refuseKeywords(_ arguments: Arguments, _ receiver: Value) throws {
    guard !arguments.keywords.isEmpty, !Self.withKeywords.contains(self) else { return }
    switch receiver {
    case .string, .list, .dict, .tuple:
      throw JinjaError(.type, "\(receiver.typeName).\(rawValue)() takes no keyword arguments")
    default: return
    }
  }

  private static let strings: Set<MethodName> = [
    .capitalize, .casefold, .center, .count, .encode, .endswith, .expandtabs, .find, .format, .formatMap, .index,
    .isalnum, .isalpha, .isascii, .isdecimal, .isdigit, .isidentifier, .islower, .isnumeric, .isprintable, .isspace,
    .istitle, .isupper, .join, .ljust, .lower, .lstrip, .partition, .removeprefix, .removesuffix, .replace, .rfind,
    .rindex, .rjust, .rpartition, .rsplit, .rstrip, .split, .splitlines, .startswith, .strip, .swapcase, .title,
    .translate, .upper, .zfill, .maketrans,
  ]
  private static let lists: Set<MethodName> = [
    .append, .clear, .copy, .count, .extend, .index, .insert, .pop, .remove, .reverse, .sort,
  ]
  private static let dicts: Set<MethodName> = [
    .clear, .copy, .get, .items, .keys, .pop, .popitem, .setdefault, .update, .values, .fromkeys,
  ]

  /// Whether the value's type has the method.
  func belongs(to value: Value) -> Bool {
    switch value {
    case .string: Self.strings.contains(self)
    case .list: Self.lists.contains(self)
    case .dict: Self.dicts.contains(self)
    case .tuple: self == .count || self == .index
    case .int, .bigInt, .bool:
      [.bitLength, .conjugate, .asIntegerRatio, .bitCount, .toBytes, .fromBytes].contains(self)
    case .double: [.isInteger, .conjugate, .asIntegerRatio, .hex, .fromhex].contains(self)
    case .decimal: Self.decimals.contains(self)
    default: false
    }
  }
}

extension Value {
  /// A method or number attribute of one of Python's own types; nil when the type has none of that name.
  func builtInMethod(_ name: String) throws -> Value? {
    if let method = MethodName(rawValue: name), method.belongs(to: self) {
      return .object(BoundMethod(method, self))
    }
    switch (self, name) {
    case (.bool(let flag), "real"): return .int(flag ? 1 : 0)
    case (.int, "real"), (.int, "numerator"), (.bigInt, "real"), (.bigInt, "numerator"), (.double, "real"),
      (.decimal, "real"):
      return self
    case (.bool(let flag), "numerator"): return .int(flag ? 1 : 0)
    case (.int, "imag"), (.bool, "imag"), (.bigInt, "imag"): return .int(0)
    case (.double, "imag"): return .double(0)
    case (.decimal, "imag"): return .decimal(PythonDecimal(0))
    case (.int, "denominator"), (.bool, "denominator"), (.bigInt, "denominator"): return .int(1)
    default: return nil
    }
  }
}

/// A method of a built-in value, not called yet.
final class BoundMethod: Object {
  private let method: MethodName
  private var receiver: Value

  init(_ method: MethodName, _ receiver: Value) {
    self.method = method
    self.receiver = receiver
  }

  deinit { Teardown.release(&receiver) }

  var typeName: String { "builtin_function_or_method" }
  var repr: String { "<built-in method \(method.rawValue) of \(receiver.typeName) object>" }
  var kinds: ValueKinds { .callable }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    try evaluation.callMethod(method, of: receiver, arguments)
  }
}

extension Evaluation {
  func callMethod(_ method: MethodName, of receiver: Value, _ arguments: Arguments) throws -> Value {
    try method.refuseKeywords(arguments, receiver)
    switch receiver {
    case .string(let text): return try StringMethods(text, self).call(method, arguments)
    case .list(let list): return try ListMethods(list, self).call(method, arguments)
    case .dict(let dict): return try DictMethods(dict, self).call(method, arguments)
    case .tuple(let items): return try ListMethods(ListObject(items), self).call(method, arguments)
    default: return try NumberMethods.call(method, receiver, arguments)
    }
  }
}

/// Reading arguments of built-in functions.
extension Value {
  /// The text of a string argument, Python's TypeError otherwise.
  func requireString(_ function: String) throws -> String {
    if let text = stringValue { return text }
    throw JinjaError(.type, "\(function)() argument must be str, not \(typeName)")
  }

  /// An integer argument.
  func requireInt() throws -> Int {
    switch self {
    case .int(let number): return number
    case .bool(let flag): return flag ? 1 : 0
    case .bigInt(let number): return number.isNegative ? Int.min / 4 : Int.max / 4
    default: throw JinjaError(.type, "'\(typeName)' object cannot be interpreted as an integer")
    }
  }
}
