/// Filters on sequences and mappings.
enum SequenceFilters {
  static let table: [String: Filters.Body] = [
    "length": length, "count": length,
    "default": fallback, "d": fallback,
    "list": { value, _, evaluation in .list(ListObject(try evaluation.elements(of: value))) },
    "join": join,
    "first": { value, _, evaluation in
      if case .object(let iterator as IteratorObject) = value {
        return iterator.next() ?? evaluation.missing("first", "No first item, sequence was empty.")
      }
      return try evaluation.elements(of: value).first
        ?? evaluation.missing("first", "No first item, sequence was empty.")
    },
    "last": { value, _, evaluation in
      try reversible(value, evaluation).last ?? evaluation.missing("last", "No last item, sequence was empty.")
    },
    "random": { value, _, evaluation in
      if case .dict(let dict) = value, !dict.isEmpty { throw JinjaError(.key, "0") }
      let items = try reversible(value, evaluation)
      return items.randomElement(using: &evaluation.random)
        ?? evaluation.missing("random", "No random item, sequence was empty.")
    },
    "reverse": { value, _, evaluation in
      if let text = value.stringValue {
        return Filters.like(value, PythonString.text(text.unicodeScalars.reversed()))
      }
      do {
        let items = try evaluation.elements(of: value)
        return .object(IteratorObject(items.reversed(), typeName: "list_reverseiterator"))
      } catch let error as JinjaError where error.kind == .type {
        throw JinjaError(.filterArgument, "argument must be iterable")
      }
    },
    "sort": sort,
    "dictsort": dictSort,
    "unique": unique,
    "min": { try extreme($0, $1, $2, name: "min", sign: 1) },
    "max": { try extreme($0, $1, $2, name: "max", sign: -1) },
    "sum": sum,
    "groupby": groupBy,
    "map": map,
    "select": { try select($0, $1, $2, byAttribute: false, keeping: true) },
    "reject": { try select($0, $1, $2, byAttribute: false, keeping: false) },
    "selectattr": { try select($0, $1, $2, byAttribute: true, keeping: true) },
    "rejectattr": { try select($0, $1, $2, byAttribute: true, keeping: false) },
    "batch": batch,
    "slice": slice,
    "items": { value, _, evaluation in
      switch value {
      case .undefined: return .object(IteratorObject([]))
      case .dict(let dict): return .object(IteratorObject(dict.pairs.map { .tuple([$0.key, $0.value]) }))
      default: throw JinjaError(.type, "Can only get item pairs from a mapping.")
      }
    },
    "attr": { value, arguments, evaluation in
      let name = try (arguments.bind("attr", ["name"])[0] ?? .none).requireString("attr")
      if case .dict = value {
        return try value.builtInMethod(name) ?? evaluation.attribute(name, of: .dict(DictObject()))
      }
      return try evaluation.attribute(name, of: value)
    },
  ]

  @Sendable private static func length(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    .int(try evaluation.length(of: value))
  }

  @Sendable private static func fallback(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("default", ["default_value?", "boolean?"])
    let applies = value.isUndefined || (bound[1]?.isTruthy ?? false && !value.isTruthy)
    return applies ? bound[0] ?? .string("") : value
  }

  @Sendable private static func join(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("join", ["d?", "attribute?"])
    let separator = try evaluation.text(of: bound[0] ?? .string(""))
    let path = AttributePath(bound[1])
    if evaluation.autoescapes {
      let items = try evaluation.elements(of: value).map { try path.value(of: $0, evaluation) }
      if bound[0]?.objectValue is Markup || items.contains(where: { $0.objectValue is Markup }) {
        let text = try items.map(evaluation.escaped).joined(separator: try evaluation.escaped(bound[0] ?? .string("")))
        try evaluation.charge(bytes: text.utf8.count)
        return .object(Markup(text))
      }
      let text = try items.map(evaluation.text).joined(separator: separator)
      try evaluation.charge(bytes: text.utf8.count)
      return .string(text)
    }
    var text = ""
    for (index, item) in try evaluation.elements(of: value).enumerated() {
      if index > 0 { text += separator }
      text += try evaluation.text(of: try path.value(of: item, evaluation))
      if text.utf8.count > evaluation.limits.outputBytes { break }
    }
    try evaluation.charge(bytes: text.utf8.count)
    return .string(text)
  }

  /// The elements of a value Python can reverse: not those of an iterator or set.
  private static func reversible(_ value: Value, _ evaluation: Evaluation) throws -> [Value] {
    if case .object(let object) = value, object.count == nil || object is SetObject {
      throw JinjaError(.type, "'\(value.typeName)' object is not reversible")
    }
    return try evaluation.elements(of: value)
  }

  // MARK: Order

  /// Lower case for text, when case does not matter.
  private static func folded(_ value: Value, caseSensitive: Bool) -> Value {
    guard !caseSensitive, let text = value.stringValue else { return value }
    return .string(PythonString.lower(text))
  }

  @Sendable private static func sort(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("sort", ["reverse?", "case_sensitive?", "attribute?"])
    let isSensitive = bound[1]?.isTruthy ?? false
    let paths: [AttributePath]
    if let text = bound[2]?.stringValue {
      paths = PythonString.split(text, ",", limit: -1).map { AttributePath(.string($0)) }
    } else {
      paths = [AttributePath(bound[2])]
    }
    let items = try evaluation.elements(of: value)
    return .list(
      ListObject(
        try evaluation.sorted(items, reverse: bound[0]?.isTruthy ?? false) { item in
          // A list even of one key: equal keys then need no order.
          .list(
            ListObject(try paths.map { folded(try $0.value(of: item, evaluation), caseSensitive: isSensitive) }))
        }))
  }

  @Sendable private static func dictSort(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("dictsort", ["case_sensitive?", "by?", "reverse?"])
    let by = bound[1]?.text ?? "key"
    guard by == "key" || by == "value" else {
      throw JinjaError(.filterArgument, "You can only sort by either \"key\" or \"value\"")
    }
    guard case .dict(let dict) = value else {
      if case .undefined(let undefined) = value { throw undefined.error }
      throw JinjaError(.attribute, "'\(value.typeName)' object has no attribute 'items'")
    }
    let isSensitive = bound[0]?.isTruthy ?? false
    let pairs = dict.pairs.map { Value.tuple([$0.key, $0.value]) }
    return .list(
      ListObject(
        try evaluation.sorted(pairs, reverse: bound[2]?.isTruthy ?? false) { pair in
          guard case .tuple(let parts) = pair else { return pair }
          return folded(parts[by == "key" ? 0 : 1], caseSensitive: isSensitive)
        }))
  }

  @Sendable private static func unique(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("unique", ["case_sensitive?", "attribute?"])
    let path = AttributePath(bound[1])
    var seen: Set<Value> = []
    var kept: [Value] = []
    for item in try evaluation.elements(of: value) {
      let key = folded(try path.value(of: item, evaluation), caseSensitive: bound[0]?.isTruthy ?? false)
      try key.requireHashable()
      if seen.insert(key).inserted { kept.append(item) }
    }
    return .object(IteratorObject(kept))
  }

  private static func extreme(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation, name: String, sign: Int
  ) throws -> Value {
    let bound = try arguments.bind(name, ["case_sensitive?", "attribute?"])
    let path = AttributePath(bound[1])
    let isSensitive = bound[0]?.isTruthy ?? false
    var best: (key: Value, item: Value)?
    for item in try evaluation.elements(of: value) {
      let key = folded(try path.value(of: item, evaluation), caseSensitive: isSensitive)
      if let current = best {
        let order = try evaluation.order(key, current.key, sign > 0 ? "<" : ">") ?? 0
        if order * sign < 0 { best = (key, item) }
      } else {
        best = (key, item)
      }
    }
    return best?.item ?? evaluation.missing(name, "No aggregated item, sequence was empty.")
  }

  @Sendable private static func sum(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("sum", ["attribute?", "start?"])
    let path = AttributePath(bound[0])
    var total = bound[1] ?? .int(0)
    if total.stringValue != nil { throw JinjaError(.type, "sum() can't sum strings [use ''.join(seq) instead]") }
    for item in try evaluation.elements(of: value) {
      try evaluation.tick()
      total = try evaluation.binary(.add, total, try path.value(of: item, evaluation))
    }
    return total
  }

  @Sendable private static func groupBy(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("groupby", ["attribute", "default?", "case_sensitive?"])
    let path = AttributePath(bound[0], fallback: bound[1].flatMap { $0.isNone ? nil : $0 })
    let isSensitive = bound[2]?.isTruthy ?? false
    func key(_ item: Value) throws -> Value {
      folded(try path.value(of: item, evaluation), caseSensitive: isSensitive)
    }
    var groups: [(key: Value, items: [Value])] = []
    for item in try evaluation.sorted(try evaluation.elements(of: value), by: key) {
      let group = try key(item)
      if let last = groups.last, try evaluation.equal(last.key, group) {
        groups[groups.count - 1].items.append(item)
      } else {
        groups.append((group, [item]))
      }
    }
    return .list(
      ListObject(
        try groups.map { group in
          let shown = isSensitive ? group.key : try path.value(of: group.items[0], evaluation)
          return .object(GroupObject(shown, ListObject(group.items)))
        }))
  }

  // MARK: Mapping and selecting

  @Sendable private static func map(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    guard value.isTruthy else { return .object(IteratorObject([])) }
    let items = try evaluation.elements(of: value)
    if arguments.positional.isEmpty, let attribute = arguments[keyword: "attribute"] {
      if let other = arguments.keywords.first(where: { $0.name != "attribute" && $0.name != "default" }) {
        throw JinjaError(.filterArgument, "Unexpected keyword argument \(PythonText.repr(other.name))")
      }
      let fallback = arguments[keyword: "default"].flatMap { $0.isNone ? nil : $0 }
      let path = AttributePath(attribute, fallback: fallback)
      return .object(IteratorObject(try items.map { try path.value(of: $0, evaluation) }))
    }
    guard let first = arguments.positional.first else {
      throw JinjaError(.filterArgument, "map requires a filter argument")
    }
    guard let name = first.stringValue, let filter = Filters.table[name] else {
      throw JinjaError(.runtime, "No filter named \(first.shortRepr).")
    }
    let rest = Arguments(Array(arguments.positional.dropFirst()), keywords: arguments.keywords)
    return .object(
      IteratorObject(
        try items.map {
          try evaluation.tick()
          return try filter($0, rest, evaluation)
        }))
  }

  private static func select(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation, byAttribute: Bool, keeping: Bool
  ) throws -> Value {
    guard value.isTruthy else { return .object(IteratorObject([])) }
    var positional = arguments.positional[...]
    var path = AttributePath(nil)
    if byAttribute {
      guard let attribute = positional.popFirst() else {
        throw JinjaError(.filterArgument, "Missing parameter for attribute name")
      }
      path = AttributePath(attribute)
    }
    var test: Tests.Body = { value, _, _ in value.isTruthy }
    if let first = positional.popFirst() {
      guard let name = first.stringValue, let found = Tests.table[name] else {
        throw JinjaError(.runtime, "No test named \(first.shortRepr).")
      }
      test = found
    }
    let rest = Arguments(Array(positional), keywords: arguments.keywords)
    var kept: [Value] = []
    for item in try evaluation.elements(of: value) {
      try evaluation.tick()
      if try test(try path.value(of: item, evaluation), rest, evaluation) == keeping { kept.append(item) }
    }
    return .object(IteratorObject(kept))
  }

  @Sendable private static func batch(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("batch", ["linecount", "fill_with?"])
    // Whatever it is, it is only compared with.
    let wanted = bound[0] ?? .none
    if case .undefined(let undefined) = wanted { throw undefined.error }
    let size = wanted.intValue ?? wanted.boolValue.map { $0 ? 1 : 0 } ?? -1
    var batches: [[Value]] = []
    var current: [Value] = []
    for item in try evaluation.elements(of: value) {
      // As in Jinja, a size below one never matches and all goes into one batch... or one each for zero.
      if current.count == size {
        batches.append(current)
        current = []
      }
      current.append(item)
    }
    if !current.isEmpty {
      if let fill = bound[1], !fill.isNone, try evaluation.compare(.less, .int(current.count), wanted) {
        guard current.count < size else { return .object(IteratorObject(batches.map { .list(ListObject($0)) })) }
        try evaluation.charge(elements: size)
        current += [Value](repeating: fill, count: size - current.count)
      }
      batches.append(current)
    }
    return .object(IteratorObject(batches.map { .list(ListObject($0)) }))
  }

  @Sendable private static func slice(
    _ value: Value, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let bound = try arguments.bind("slice", ["slices", "fill_with?"])
    let count = try (bound[0] ?? .none).requireInt()
    guard count != 0 else { throw JinjaError(.zeroDivision, "integer division or modulo by zero") }
    let items = try evaluation.elements(of: value)
    guard count > 0 else { return .object(IteratorObject([])) }
    try evaluation.charge(elements: count)
    let (size, extra) = items.count.quotientAndRemainder(dividingBy: count)
    var slices: [Value] = []
    var start = 0
    for number in 0..<count {
      let end = start + size + (number < extra ? 1 : 0)
      var part = Array(items[start..<end])
      if let fill = bound[1], !fill.isNone, number >= extra { part.append(fill) }
      slices.append(.list(ListObject(part)))
      start = end
    }
    return .object(IteratorObject(slices))
  }
}

/// A dotted path of attributes or items, as `map(attribute=…)` and its like take it.
struct AttributePath {
  private let parts: [Value]
  private let fallback: Value?

  init(_ attribute: Value?, fallback: Value? = nil) {
    self.fallback = fallback
    switch attribute {
    case nil, .some(.none): parts = []
    case .some(let value):
      guard let text = value.stringValue else {
        parts = [value]
        return
      }
      parts = PythonString.split(text, ".", limit: -1).map {
        !$0.isEmpty && $0.utf8.allSatisfy(\.isDigit) ? Int($0).map(Value.int) ?? .string($0) : .string($0)
      }
    }
  }

  func value(of item: Value, _ evaluation: Evaluation) throws -> Value {
    var value = item
    for part in parts {
      value = try evaluation.item(part, of: value)
      if value.isUndefined, let fallback { value = fallback }
    }
    return value
  }
}

/// One group of `groupby`: a tuple with names.
final class GroupObject: Object, ReprWriting {
  private var grouper: Value
  private let list: ListObject

  init(_ grouper: Value, _ list: ListObject) {
    self.grouper = grouper
    self.list = list
  }

  deinit { Teardown.release(&grouper) }

  private var parts: [Value] { [grouper, .list(list)] }

  var typeName: String { "_GroupTuple" }
  var count: Int? { 2 }
  var kinds: ValueKinds { [.sequence, .iterable] }
  var reprOpening: String { "(" }
  var reprClosing: String { ")" }
  func writeRepr(_ writer: inout PythonText) { writer.writeItems(parts) }
  func iterate(_ evaluation: Evaluation) -> [Value]? { parts }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    switch name {
    case "grouper": grouper
    case "list": .list(list)
    default: nil
    }
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? { try evaluation.itemOfTuple(key, parts) }
}

extension Evaluation {
  /// An item of a tuple-like object; nil when there is none.
  func itemOfTuple(_ key: Value, _ parts: [Value]) throws -> Value? {
    if case .string = key { return nil }
    let found = try item(key, of: .tuple(parts))
    return found.isUndefined ? nil : found
  }
}
