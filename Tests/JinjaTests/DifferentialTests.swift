import Foundation
import OrderedCollections
import PlainData
import TestSupport
import Testing

@testable import Jinja

/// Renders some thousand templates, written and generated, with Python's jinja2 and with ours: same text, or an error of the
/// same class. `SALLYPORT_DIFFERENTIAL=all` takes all products and more random templates;
/// `SALLYPORT_DIFFERENTIAL_REPORT` names a file for every difference.
@Suite struct DifferentialTests {
  /// What differs on purpose, and why.
  static let accepted: [(source: String, reason: String)] = [
    ("{{ (-3) % (decimal('1.50')) }}", "Decimal has no negative zero here"),
    ("{{ (decimal('1.50')) // (-3) }}", "Decimal has no negative zero here"),
    ("{{ (-3) ** (0.5) }}", "complex numbers are not known"),
    ("{{ '1+2j'|as_native }}", "complex numbers are not known"),
    ("{{ (decimal('3')) ** (decimal('2.5')) }}", "powers of Decimals are whole"),
    ("{{ (decimal('2.5')) ** (decimal('2.5')) }}", "powers of Decimals are whole"),
    ("{{ (2) ** (decimal('2.5')) }}", "powers of Decimals are whole"),
    ("{{ (10) ** (decimal('2.5')) }}", "powers of Decimals are whole"),
    ("{{ (-3) ** (decimal('2.5')) }}", "powers of Decimals are whole"),
    ("{{ (0) ** (decimal('2.5')) }}", "powers of Decimals are whole"),
    ("{{ (1) ** (decimal('2.5')) }}", "powers of Decimals are whole"),
    ("{{ (true) ** (decimal('2.5')) }}", "powers of Decimals are whole"),
    ("{{ '%*d' % (1234567) }}", "a width of a million is over the limit"),
    ("{{ range(0, 10 ** 30, 10 ** 29) }}", "ranges hold 64-bit integers"),
  ]

  /// The values of oracle.py's `values()`.
  static func scope() throws -> DictionaryScope {
    let plain = try PlainValue(
      jsonText: """
        {"n":5,"z":0,"neg":-7,"f":2.5,"s":"Hello World","t":"the quick brown fox","u":"Größe → ß","e":"","yes":true,
        "no":false,"nil":null,"l":[3,1,2],"w":["b","A","c","a"],"d":{"a":1,"b":[1,2],"items":"x","_p":3},
        "users":[{"name":"ann","age":31,"city":{"name":"Oslo"},"active":true},
        {"name":"Bob","age":25,"city":{"name":"Rome"},"active":false},
        {"name":"cid","age":31,"city":{"name":"oslo"},"active":true}]}
        """)
    var values: [String: Value] = [:]
    for (name, value) in plain.objectValue ?? [:] { values[name] = Value(value) }
    values["inf"] = .double(.infinity)
    values["nan"] = .double(.nan)
    values["decimal"] = .object(NativeFunction("Decimal") { arguments, _ in try decimal(arguments) })
    values["set"] = .object(
      NativeFunction("set") { arguments, evaluation in
        .object(try SetObject(arguments.positional.first.map(evaluation.elements) ?? []))
      })
    values["zip"] = .object(
      NativeFunction("zip") { arguments, evaluation in
        let columns = try arguments.positional.map(evaluation.elements)
        let count = columns.map(\.count).min() ?? 0
        return .object(IteratorObject((0..<count).map { row in .tuple(columns.map { $0[row] }) }, typeName: "zip"))
      })
    return DictionaryScope(values)
  }

  private static func decimal(_ arguments: Arguments) throws -> Value {
    switch arguments.positional.first ?? .int(0) {
    case .int(let number): return .decimal(PythonDecimal(number))
    case .bigInt(let number): return .decimal(PythonDecimal(number))
    case .double(let number): return .decimal(PythonDecimal(exactly: number))
    case .decimal(let number): return .decimal(number)
    case let other:
      guard let number = PythonDecimal(other.text) else {
        throw JinjaError(.decimalOperation, "[<class 'decimal.ConversionSyntax'>]")
      }
      return .decimal(number)
    }
  }

  /// What our engine makes of a template.
  static func outcome(_ source: String, mode: String = "text") -> TemplateOutcome {
    do {
      let template = try Template.compile(source, path: "test", options: mode == "text" ? .plain : .dbt)
      var limits = Limits()
      limits.steps = 2_000_000
      limits.callDepth = 200
      let evaluation = Evaluation(
        globals: try scope(), limits: limits, undefined: mode == "absorbing" ? .absorbing : .standard)
      if mode == "native" { return .text(try evaluation.renderNative(template).repr) }
      return .text(try evaluation.renderText(template))
    } catch let error as JinjaError {
      return .error(kind: error.kind.rawValue, message: error.message)
    } catch {
      return .error(kind: "host", message: "\(error)")
    }
  }

  @Test func rendersWhatJinjaRenders() throws {
    let full = ProcessInfo.processInfo.environment["SALLYPORT_DIFFERENTIAL"] == "all"
    let cases = try TemplateOracle.cases("jinja", seed: 1, count: full ? 3000 : 500, rate: full ? 1 : 0.25)
    let accepted = Set(Self.accepted.map(\.source))
    let failures = TemplateOracle.differences(cases, accepted: accepted) { Self.outcome($0.source, mode: $0.mode) }
    let written = try TemplateOracle.handwritten("jinja").count
    let listed = cases.count { accepted.contains($0.source) }
    print(
      "differential: \(cases.count) templates (\(written) written, \(cases.count - written) generated), "
        + "\(failures.count) differ, \(listed) differences accepted")
    if let path = ProcessInfo.processInfo.environment["SALLYPORT_DIFFERENTIAL_REPORT"] {
      try failures.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    }
    let report = failures.prefix(40).joined(separator: "\n")
    #expect(failures.isEmpty, "\(failures.count) of \(cases.count) templates differ:\n\(report)")
    #expect(written > 900)
    #expect(cases.count - written > 600)
  }
}

/// Python with the reference packages, for comparison.
enum Oracle {
  struct Missing: Error, CustomStringConvertible {
    let description: String
  }

  /// The virtual environment: SALLYPORT_VENV, or `.cache/venv` in the package's folder.
  static func environment() throws -> String {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let venv =
      ProcessInfo.processInfo.environment["SALLYPORT_VENV"] ?? package.appendingPathComponent(".cache/venv").path
    guard FileManager.default.isExecutableFile(atPath: venv + "/bin/python") else {
      throw Missing(
        description: "no Python at \(venv)/bin/python: set SALLYPORT_VENV or run make test, which installs it")
    }
    return venv
  }

  /// The site-packages folder of the environment.
  static func packages() throws -> String {
    let library = try environment() + "/lib"
    for version in try FileManager.default.contentsOfDirectory(atPath: library) {
      let path = library + "/" + version + "/site-packages"
      if FileManager.default.fileExists(atPath: path + "/dbt/include/global_project") { return path }
    }
    throw Missing(description: "no dbt-adapters package under \(library)")
  }
}
