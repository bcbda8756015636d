internal import DBTContext
internal import DBTProject
internal import Jinja
internal import PlainData
internal import YAMLDocument

/// Feeds the engine's readers with any bytes, for fuzzing: no input may make them trap, hang or grow. Each function gives
/// whether what it looked at held.
package enum EngineExercise {
  /// The most a template may put out here.
  package static let outputLimit = 1 << 18

  /// Compiles and renders a template: as text and natively, in dbt's language and plain, at run time and while parsing.
  ///
  /// The first byte chooses which; the rest is the template.
  package static func template(_ bytes: [UInt8]) -> Bool {
    guard let choice = bytes.first else { return true }
    let source = String(decoding: bytes.dropFirst(), as: UTF8.self)
    let options: CompileOptions = choice & 1 == 0 ? .plain : .dbt
    guard let template = try? Template.compile(source, path: "fuzz", options: options) else { return true }
    var limits = Limits.small
    limits.steps = 50_000
    limits.outputBytes = outputLimit
    limits.allocatedBytes = 32 << 20
    limits.collectionSize = 100_000
    limits.callDepth = 60
    limits.time = .seconds(2)
    let policy: UndefinedPolicy = choice & 2 == 0 ? .standard : .absorbing
    let evaluation = Evaluation(globals: DictionaryScope(values), limits: limits, undefined: policy)
    if choice & 4 == 0 {
      guard let text = try? evaluation.renderText(template) else { return true }
      return text.utf8.count <= outputLimit
    }
    guard let value = try? evaluation.renderNative(template) else { return true }
    return value.text.utf8.count <= 8 * outputLimit
  }

  /// What the templates see: a few values of each kind, and Python's modules.
  private static var values: [String: Value] {
    var values: [String: Value] = [
      "n": .int(5), "f": .double(2.5), "s": .string("Hello World"), "l": .list([.int(3), .int(1), .int(2)]),
      "d": .dict(DictObject(named: ["a": .int(1), "b": .list([.int(1)])])), "nil": .none,
      "big": .bigInt(BigInteger(Int.max) + BigInteger(Int.max)),
      "dec": .decimal(PythonDecimal("12.50") ?? PythonDecimal(0)),
    ]
    for (name, value) in PythonMembers.values { values[name] = value }
    return values
  }

  /// Reads a YAML document.
  package static func yaml(_ bytes: [UInt8]) -> Bool {
    var limits = YAMLLimits()
    limits.bytes = 1 << 20
    guard let document = try? YAMLDocument(bytes, path: "fuzz.yml", limits: limits) else { return true }
    // What was read can be written, and that can be read.
    guard let text = try? document.root.yaml(sortedKeys: false) else { return true }
    return (try? YAMLDocument.parse(text: text, path: "again.yml")) != nil
  }

  /// Reads a seed file with type inference. The first byte chooses the delimiter.
  package static func csv(_ bytes: [UInt8]) -> Bool {
    guard let choice = bytes.first else { return true }
    let delimiter = [",", ";", "\t", "|"][Int(choice & 3)]
    let limits = CSVLimits(bytes: 1 << 20, fieldLength: 4096, columns: 64)
    guard let table = try? AgateTable.csv(Array(bytes.dropFirst()), delimiter: delimiter, limits: limits) else {
      return true
    }
    return table.columnTypes.count == table.columnNames.count
      && table.rows.allSatisfy { $0.count == table.columnNames.count }
  }

  /// Reads a selection; see `ProjectExercise`.
  package static func selectors(_ bytes: [UInt8]) -> Bool {
    ProjectExercise.selectors(bytes)
    return true
  }

  /// Scans SQL for blocks, and puts common table expressions in front of it.
  package static func blocks(_ bytes: [UInt8]) -> Bool {
    guard ProjectExercise.blocks(bytes) else { return false }
    let sql = String(decoding: bytes, as: UTF8.self)
    let expressions = [
      CommonTableExpressions.Expression(uniqueID: "model.p.a", name: "__dbt__cte__a", code: "select 1"),
      CommonTableExpressions.Expression(uniqueID: "model.p.b", name: "__dbt__cte__b", code: "select 2"),
    ]
    let result = CommonTableExpressions.injected(into: sql, expressions)
    return result.utf8.count > sql.utf8.count && result.contains("__dbt__cte__a") && result.contains("__dbt__cte__b")
  }
}
