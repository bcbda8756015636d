/// Python's `list` (and `tuple`) methods.
struct ListMethods {
  private let list: ListObject
  private let evaluation: Evaluation

  init(_ list: ListObject, _ evaluation: Evaluation) {
    self.list = list
    self.evaluation = evaluation
  }

  func call(_ method: MethodName, _ arguments: Arguments) throws -> Value {
    let name = method.rawValue
    switch method {
    case .append:
      let item = try arguments.bind(name, ["object"])[0] ?? .none
      try evaluation.charge(elements: 1)
      try checkSize(1)
      list.items.append(item)
    case .extend:
      let items = try evaluation.elements(of: try arguments.bind(name, ["iterable"])[0] ?? .none)
      try checkSize(items.count)
      list.items += items
    case .insert:
      let bound = try arguments.bind(name, ["index", "object"])
      let index = try (bound[0] ?? .none).requireInt()
      let position = index < 0 ? max(0, index + list.items.count) : min(index, list.items.count)
      try evaluation.charge(elements: 1)
      try checkSize(1)
      list.items.insert(bound[1] ?? .none, at: position)
    case .pop: return try pop(arguments)
    case .remove:
      let item = try arguments.bind(name, ["value"])[0] ?? .none
      guard let position = try position(of: item, 0, list.items.count) else {
        throw JinjaError(.value, "list.remove(x): x not in list")
      }
      list.items.remove(at: position)
    case .index: return try index(arguments)
    case .count:
      let item = try arguments.bind(name, ["value"])[0] ?? .none
      return .int(try list.items.reduce(0) { try evaluation.equal($1, item) ? $0 + 1 : $0 })
    case .reverse: list.items.reverse()
    case .sort: try sort(arguments)
    case .copy:
      try evaluation.charge(elements: list.items.count)
      return .list(ListObject(list.items))
    case .clear: list.items.removeAll()
    default: throw JinjaError(.type, "'list' object has no method '\(name)'")
    }
    return .none
  }

  private func checkSize(_ added: Int) throws {
    guard list.items.count + added <= evaluation.limits.collectionSize else {
      throw JinjaError(
        .limit, "collection is larger than \(evaluation.limits.collectionSize) elements (collectionSize)")
    }
  }

  private func pop(_ arguments: Arguments) throws -> Value {
    let index = try arguments.bind("pop", ["index?"])[0]?.requireInt() ?? -1
    guard !list.items.isEmpty else { throw JinjaError(.index, "pop from empty list") }
    let position = index < 0 ? index + list.items.count : index
    guard list.items.indices.contains(position) else { throw JinjaError(.index, "pop index out of range") }
    return list.items.remove(at: position)
  }

  private func position(of item: Value, _ start: Int, _ end: Int) throws -> Int? {
    guard start < end else { return nil }
    for position in start..<end where try evaluation.equal(list.items[position], item) { return position }
    return nil
  }

  private func index(_ arguments: Arguments) throws -> Value {
    let bound = try arguments.bind("index", ["value", "start?", "stop?"])
    let count = list.items.count
    func clamp(_ value: Value?, _ missing: Int) throws -> Int {
      guard let number = try value?.requireInt() else { return missing }
      return min(count, number < 0 ? max(0, number + count) : number)
    }
    let item = bound[0] ?? .none
    guard let position = try position(of: item, try clamp(bound[1], 0), try clamp(bound[2], count)) else {
      throw JinjaError(.value, "\(item.shortRepr) is not in list")
    }
    return .int(position)
  }

  private func sort(_ arguments: Arguments) throws {
    let bound = try arguments.bind("sort", ["*", "key?", "reverse?"])
    var key: ((Value) throws -> Value)?
    if let function = bound[0], !function.isNone {
      let evaluation = evaluation
      key = { try evaluation.call(function, Arguments([$0])) }
    }
    list.items = try evaluation.sorted(list.items, reverse: bound[1]?.isTruthy ?? false, by: key)
  }
}

extension Evaluation {
  /// Python's `sorted`: stable, by keys computed once.
  func sorted(_ items: [Value], reverse: Bool = false, by key: ((Value) throws -> Value)? = nil) throws -> [Value] {
    var keyed: [(key: Value, value: Value)] = []
    keyed.reserveCapacity(items.count)
    for item in items { keyed.append((try key?(item) ?? item, item)) }
    if reverse { keyed.reverse() }
    // The standard library's sort is stable.
    try keyed.sort { try (order($0.key, $1.key) ?? 0) < 0 }
    if reverse { keyed.reverse() }
    return keyed.map(\.value)
  }
}

/// Python's `dict` methods.
struct DictMethods {
  private let dict: DictObject
  private let evaluation: Evaluation

  init(_ dict: DictObject, _ evaluation: Evaluation) {
    self.dict = dict
    self.evaluation = evaluation
  }

  func call(_ method: MethodName, _ arguments: Arguments) throws -> Value {
    let name = method.rawValue
    switch method {
    case .get:
      let bound = try arguments.bind(name, ["key", "default?"])
      return try value(bound[0]) ?? bound[1] ?? Value.none
    case .keys: return try view(.keys, arguments, name)
    case .values: return try view(.values, arguments, name)
    case .items: return try view(.items, arguments, name)
    case .update: try update(arguments)
    case .pop:
      let bound = try arguments.bind(name, ["key", "default?"])
      if let found = try value(bound[0]) {
        dict[bound[0] ?? .none] = nil
        return found
      }
      if let fallback = bound[1] { return fallback }
      throw JinjaError(.key, (bound[0] ?? .none).shortRepr)
    case .popitem:
      guard let (key, value) = dict.popLast() else { throw JinjaError(.key, "'popitem(): dictionary is empty'") }
      return .tuple([key, value])
    case .setdefault:
      let bound = try arguments.bind(name, ["key", "default?"])
      if let found = try value(bound[0]) { return found }
      let fallback = bound[1] ?? .none
      try evaluation.charge(elements: 2)
      dict[bound[0] ?? .none] = fallback
      return fallback
    case .copy:
      try evaluation.charge(elements: dict.count * 2)
      return .dict(dict.copy())
    case .clear: dict.removeAll()
    case .fromkeys:
      let bound = try arguments.bind(name, ["iterable", "value?"])
      let result = DictObject()
      for key in try evaluation.elements(of: bound[0] ?? .none) {
        try key.requireHashable()
        result[key] = bound[1] ?? Value.none
      }
      return .dict(result)
    default: throw JinjaError(.type, "'dict' object has no method '\(name)'")
    }
    return .none
  }

  private func value(_ key: Value?) throws -> Value? {
    let key = key ?? .none
    try key.requireHashable()
    return dict[key]
  }

  private func view(_ part: DictView.Part, _ arguments: Arguments, _ name: String) throws -> Value {
    _ = try arguments.bind(name, [])
    return .object(DictView(dict, part))
  }

  private func update(_ arguments: Arguments) throws {
    guard arguments.positional.count <= 1 else {
      throw JinjaError(.type, "update expected at most 1 argument, got \(arguments.positional.count)")
    }
    if let source = arguments.positional.first { try evaluation.fill(dict, from: source) }
    for (name, value) in arguments.keywords { dict[name] = value }
    try evaluation.charge(elements: arguments.keywords.count * 2)
  }
}

extension Evaluation {
  /// Adds the pairs of a mapping or of an iterable of pairs, as `dict(…)` and `dict.update` do.
  func fill(_ dict: DictObject, from source: Value) throws {
    if case .dict(let other) = source {
      try charge(elements: other.count * 2)
      for (key, value) in other.pairs { dict[key] = value }
      return
    }
    if case .object(let object) = source, object.kinds.contains(.mapping) {
      for key in try elements(of: source) { dict[key] = try item(key, of: source) }
      return
    }
    for (index, pair) in try elements(of: source).enumerated() {
      let parts: [Value]
      do { parts = try elements(of: pair) } catch {
        throw JinjaError(.type, "cannot convert dictionary update sequence element #\(index) to a sequence")
      }
      guard parts.count == 2 else {
        throw JinjaError(
          .value, "dictionary update sequence element #\(index) has length \(parts.count); 2 is required")
      }
      try parts[0].requireHashable()
      dict[parts[0]] = parts[1]
    }
  }
}
