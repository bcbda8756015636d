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
    case .int, .bigInt, .bool: self == .bitLength || self == .conjugate || self == .asIntegerRatio
    case .double: self == .isInteger || self == .conjugate
    case .decimal: self == .quantize || self == .toIntegralValue || self == .normalize
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
    case (.int, "real"), (.int, "numerator"), (.bigInt, "real"), (.double, "real"), (.decimal, "real"): return self
    case (.int, "imag"), (.bool, "imag"): return .int(0)
    case (.int, "denominator"): return .int(1)
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
    if case .undefined(let undefined) = self { throw undefined.error }
    throw JinjaError(.type, "\(function)() argument must be str, not \(typeName)")
  }

  /// An integer argument.
  func requireInt() throws -> Int {
    switch self {
    case .int(let number): return number
    case .bool(let flag): return flag ? 1 : 0
    case .bigInt(let number): return number.isNegative ? Int.min / 4 : Int.max / 4
    case .undefined(let undefined): throw undefined.error
    default: throw JinjaError(.type, "'\(typeName)' object cannot be interpreted as an integer")
    }
  }
}
