import Foundation

/// One template and what Python's jinja2 makes of it: text, or an error of a class.
package struct TemplateCase: Decodable, Sendable {
  /// The file or generator it comes from.
  package let group: String
  /// `text`, `native` (the text is the repr of the value) or `absorbing` (parse time).
  package let mode: String
  package let source: String
  package let text: String?
  /// The name of the error's class; `limit` where Python ran out of stack or memory.
  package let error: String?
  package let message: String?
}

/// What an engine makes of a template.
package enum TemplateOutcome: Sendable {
  case text(String)
  case error(kind: String, message: String)
}

/// Compares template engines: Python's jinja2, asked through `JinjaTests/Differential/oracle.py`, and ours.
package enum TemplateOracle {
  /// The folder of the oracle and its corpora.
  package static var folder: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("JinjaTests/Differential").path
  }

  /// The lines of the hand-written corpora of a suite, each a template.
  package static func handwritten(_ suite: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder + "/" + suite).sorted().flatMap { name in
      try String(contentsOfFile: folder + "/\(suite)/" + name, encoding: .utf8)
        .split(separator: "\n").filter { !$0.hasPrefix("//") }
        .map { $0.replacingOccurrences(of: "\u{23CE}", with: "\n") }
    }
  }

  /// The templates of a suite with Python's answers. `count` and `rate` say how many are generated besides.
  package static func cases(_ suite: String, seed: Int, count: Int, rate: Double) throws -> [TemplateCase] {
    let script = """
      import runpy, sys
      sys.path.insert(0, \(quoted(folder)))
      sys.argv = ["oracle.py", \(quoted(suite)), "\(seed)", "\(count)", "\(rate)"]
      runpy.run_path(\(quoted(folder + "/oracle.py")), run_name="__main__")
      """
    let decoder = JSONDecoder()
    return try PythonPeer.run(script).split(separator: "\n").map { line in
      try decoder.decode(TemplateCase.self, from: Data(line.utf8))
    }
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
  }

  /// Renders every case and gives a line for each that differs. `accepted` are templates that differ on purpose.
  package static func differences(
    _ cases: [TemplateCase], accepted: Set<String>, _ render: (TemplateCase) -> TemplateOutcome
  ) -> [String] {
    cases.compactMap { expected -> String? in
      // Addresses of objects change from run to run.
      if let text = expected.text, text.contains(" at 0x") || text.contains("&lt;generator") { return nil }
      if accepted.contains(expected.source) { return nil }
      let outcome = render(expected)
      let ours: String
      switch outcome {
      case .text(let text):
        if let wanted = expected.text, wanted.utf8.elementsEqual(text.utf8) { return nil }
        ours = "text \(text.debugDescription)"
      case .error(let kind, let message):
        if kind == expected.error { return nil }
        ours = "\(kind): \(message)"
      }
      let wanted =
        expected.text.map { "text \($0.debugDescription)" } ?? "\(expected.error ?? ""): \(expected.message ?? "")"
      return "[\(expected.group)] \(expected.source)\n    jinja2: \(wanted)\n    ours:   \(ours)"
    }
  }
}
