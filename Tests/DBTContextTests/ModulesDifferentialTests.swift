import Jinja
import TestSupport
import Testing

@testable import DBTContext

/// Python's modules and dbt's functions in templates: the same text, or an error of the same class, as with Python's.
@Suite struct ModulesDifferentialTests {
  /// What differs on purpose, and why.
  static let accepted: [(prefix: String, reason: String)] = [
    ("{{ fromyaml('a: [1, 2.5, null, yes, x]') }}", "YAML is plain data here: dates come as text")
  ]

  private static func outcome(_ source: String) -> TemplateOutcome {
    do {
      let template = try Template.compile(source, path: "test", options: .plain)
      var bench = Bench()
      bench.start = PythonDateTime(
        PythonDate(year: 2026, month: 3, day: 4)!,
        PythonTime(hour: 5, minute: 6, second: 7, microsecond: 89_000, zone: .utc)!)
      return .text(try Evaluation(globals: bench.scope).renderText(template))
    } catch let error as JinjaError {
      let kind = error.underlying is DBTError ? "CompilationError" : error.kind.rawValue
      return .error(kind: kind, message: error.message)
    } catch {
      return .error(kind: "host", message: "\(error)")
    }
  }

  @Test func rendersWhatPythonRenders() throws {
    let cases = try TemplateOracle.cases("modules", seed: 1, count: 0, rate: 0)
    let accepted = cases.map(\.source).filter { source in Self.accepted.contains { source.hasPrefix($0.prefix) } }
    let failures = TemplateOracle.differences(cases, accepted: Set(accepted)) { Self.outcome($0.source) }
    print(
      "differential: \(cases.count) templates with Python's modules, \(failures.count) differ, "
        + "\(accepted.count) differences accepted")
    let report = failures.prefix(40).joined(separator: "\n")
    #expect(failures.isEmpty, "\(failures.count) of \(cases.count) templates differ:\n\(report)")
    #expect(cases.count > 200)
  }
}
