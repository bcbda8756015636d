import Jinja

/// `modules.itertools`: the functions dbt offers. Results are made at once, with at most a million elements; `count`,
/// `cycle` and an endless `repeat` can only be cut by `islice`.
enum ItertoolsModule {
  private static let sizeLimit = 1_000_000

  /// The functions dbt offers.
  static let names = [
    "count", "cycle", "repeat", "accumulate", "chain", "compress", "islice", "starmap", "tee", "zip_longest", "product",
    "permutations", "combinations", "combinations_with_replacement",
  ]

  static func member(_ name: String) -> Value? {
    switch name {
    case "count", "cycle", "repeat": endless(name)
    case "chain":
      .object(
        NativeFunction(name) { arguments, evaluation in
          iterator(name, try arguments.positional.flatMap { try items($0, evaluation) })
        })
    case "accumulate": .function(name, ["iterable", "func?", "*", "initial?"], accumulate)
    case "compress":
      .function(name, ["data", "selectors"]) { values, evaluation in
        let pairs = zip(try items(values[0], evaluation), try items(values[1], evaluation))
        return iterator(name, pairs.filter { $0.1.isTruthy }.map(\.0))
      }
    case "islice": .object(NativeFunction(name, islice))
    case "starmap":
      .function(name, ["function", "iterable"]) { values, evaluation in
        iterator(
          name,
          try items(values[1], evaluation).map { row in
            try evaluation.call(values[0] ?? .none, Arguments(try items(row, evaluation)))
          })
      }
    case "tee":
      .function(name, ["iterable", "n?"]) { values, evaluation in
        let all = try items(values[0], evaluation)
        let copies = try values[1]?.requiredInt("n") ?? 2
        guard (0...100).contains(copies) else { throw JinjaError(.value, "n must be within 0..100") }
        return .tuple((0..<copies).map { _ in iterator("_tee", all) })
      }
    case "zip_longest": .object(NativeFunction(name, zipLongest))
    case "product": .object(NativeFunction(name, product))
    case "permutations": .function(name, ["iterable", "r?"], permutations)
    case "combinations": .function(name, ["iterable", "r"]) { try combinations($0, $1, repeats: false) }
    case "combinations_with_replacement":
      .function(name, ["iterable", "r"]) { try combinations($0, $1, repeats: true) }
    default: nil
    }
  }

  private static func iterator(_ name: String, _ items: [Value]) -> Value {
    .object(IteratorObject(items, typeName: "itertools.\(name)"))
  }

  private static func items(_ value: Value?, _ evaluation: Evaluation) throws -> [Value] {
    if value?.objectValue is EndlessIterator { throw JinjaError(.limit, "an endless iterator must be cut by islice") }
    guard let items = try value?.elements(evaluation) else {
      throw JinjaError(.type, "'\(value?.typeName ?? "NoneType")' object is not iterable")
    }
    return items
  }

  private static func check(_ count: Int) throws {
    guard count <= sizeLimit else {
      throw JinjaError(.limit, "itertools gives at most \(sizeLimit) elements")
    }
  }

  private static func endless(_ name: String) -> Value {
    switch name {
    case "count":
      return .function(name, ["start?", "step?"]) { values, evaluation in
        let (start, step) = (values[0] ?? .int(0), values[1] ?? .int(1))
        guard start.kinds.contains(.number), step.kinds.contains(.number) else {
          throw JinjaError(.type, "a number is required")
        }
        return .object(
          EndlessIterator { position in
            try evaluation.binary(.add, start, try evaluation.binary(.multiply, step, .int(position)))
          })
      }
    case "cycle":
      return .function(name, ["iterable"]) { values, evaluation in
        let all = try items(values[0], evaluation)
        return all.isEmpty ? iterator(name, []) : .object(EndlessIterator { all[$0 % all.count] })
      }
    default:
      return .function(name, ["object", "times?"]) { values, _ in
        let element = values[0] ?? .none
        guard let times = try values[1]?.requiredInt("times") else { return .object(EndlessIterator { _ in element }) }
        try check(times)
        return iterator(name, Array(repeating: element, count: max(0, times)))
      }
    }
  }

  private static func accumulate(_ values: [Value?], _ evaluation: Evaluation) throws -> Value {
    var rest = try items(values[0], evaluation)[...]
    var results: [Value] = []
    guard var total = values[2] ?? rest.popFirst() else { return iterator("accumulate", []) }
    results.append(total)
    for item in rest {
      if let function = values[1], !function.isNone {
        total = try evaluation.call(function, Arguments([total, item]))
      } else {
        total = try evaluation.binary(.add, total, item)
      }
      results.append(total)
    }
    return iterator("accumulate", results)
  }

  private static func islice(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    let bounds = try arguments.positional.dropFirst().map { bound -> Int? in
      if bound.isNone { return nil }
      guard let number = bound.intValue ?? bound.boolValue.map({ $0 ? 1 : 0 }) else {
        let which = arguments.positional.count == 2 ? "Stop argument" : "Indices"
        throw JinjaError(.value, "\(which) for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
      }
      return number
    }
    guard let source = arguments.positional.first, (1...3).contains(bounds.count) else {
      throw JinjaError(.type, "islice expected 2 to 4 arguments")
    }
    let start = bounds.count == 1 ? 0 : bounds[0] ?? 0
    let stop = bounds.count == 1 ? bounds[0] : bounds[1]
    let step = bounds.count == 3 ? bounds[2] ?? 1 : 1
    guard start >= 0, step > 0, stop.map({ $0 >= 0 }) ?? true else {
      throw JinjaError(.value, "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    }
    if let endless = source.objectValue as? EndlessIterator {
      guard let stop else { throw JinjaError(.limit, "an endless iterator must be cut by islice") }
      try check(stop)
      var taken: [Value] = []
      for position in 0..<stop {
        guard let element = try endless.next(evaluation) else { break }
        if position >= start, (position - start) % step == 0 { taken.append(element) }
      }
      return iterator("islice", taken)
    }
    let all = try items(source, evaluation)
    let end = min(stop ?? all.count, all.count)
    return iterator("islice", stride(from: start, to: max(start, end), by: step).map { all[$0] })
  }

  private static func zipLongest(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    if arguments.keywords.contains(where: { $0.name != "fillvalue" }) {
      throw JinjaError(.type, "zip_longest() got an unexpected keyword argument")
    }
    let fill = arguments[keyword: "fillvalue"] ?? .none
    let columns = try arguments.positional.map { try items($0, evaluation) }
    let count = columns.map(\.count).max() ?? 0
    return iterator("zip_longest", (0..<count).map { row in .tuple(columns.map { row < $0.count ? $0[row] : fill }) })
  }

  private static func product(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    var pools = try arguments.positional.map { try items($0, evaluation) }
    let times = try arguments[keyword: "repeat"]?.requiredInt("repeat") ?? 1
    guard (0...20).contains(times) else { throw JinjaError(.value, "repeat must be within 0..20") }
    pools = Array(repeating: pools, count: times).flatMap { $0 }
    var rows: [[Value]] = [[]]
    for pool in pools {
      try check(rows.count * max(1, pool.count))
      rows = rows.flatMap { row in pool.map { row + [$0] } }
    }
    return iterator("product", rows.map { .tuple($0) })
  }

  private static func permutations(_ values: [Value?], _ evaluation: Evaluation) throws -> Value {
    let pool = try items(values[0], evaluation)
    let length = try values[1].flatMap { $0.isNone ? nil : try $0.requiredInt("r") } ?? pool.count
    guard length >= 0 else { throw JinjaError(.value, "r must be non-negative") }
    guard length <= pool.count else { return iterator("permutations", []) }
    var rows: [[Int]] = [[]]
    for _ in 0..<length {
      try check(rows.count * pool.count)
      rows = rows.flatMap { row in pool.indices.filter { !row.contains($0) }.map { row + [$0] } }
    }
    return iterator("permutations", rows.map { row in .tuple(row.map { pool[$0] }) })
  }

  private static func combinations(_ values: [Value?], _ evaluation: Evaluation, repeats: Bool) throws -> Value {
    let pool = try items(values[0], evaluation)
    let length = try values[1]?.requiredInt("r") ?? 0
    guard length >= 0 else { throw JinjaError(.value, "r must be non-negative") }
    guard repeats || length <= pool.count, !pool.isEmpty || length == 0 else { return iterator("combinations", []) }
    var rows: [[Int]] = [[]]
    for _ in 0..<length {
      try check(rows.count * pool.count)
      rows = rows.flatMap { row in
        ((row.last.map { repeats ? $0 : $0 + 1 } ?? 0)..<max(pool.count, row.last ?? 0)).map { row + [$0] }
      }
    }
    return iterator("combinations", rows.map { row in .tuple(row.map { pool[$0] }) })
  }
}

/// An iterator without end; its elements are known by position.
private final class EndlessIterator: StepwiseIterator {
  private let element: (Int) throws -> Value
  private var position = 0

  init(_ element: @escaping (Int) throws -> Value) { self.element = element }

  var typeName: String { "itertools.count" }
  var kinds: ValueKinds { .iterable }

  func next(_ evaluation: Evaluation) throws -> Value? {
    defer { position += 1 }
    return try element(position)
  }

  func iterate(_ evaluation: Evaluation) throws -> [Value]? {
    throw JinjaError(.limit, "an endless iterator must be cut by islice")
  }
}
