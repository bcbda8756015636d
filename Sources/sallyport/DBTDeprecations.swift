import DBTContext
import DBTEngine

/// Warnings about spellings of the command line that dbt is going to drop.
struct DBTDeprecations {
  /// How often a spelling of `--models` stands there; dbt counts each spelling once.
  private let modelsCount: Int
  private let width: Int
  private let showsAll: Bool

  init(words: [String], flags: DBTFlags) {
    modelsCount = ["--models", "--model", "-m"].count { words.contains($0) }
    width = flags.number("printer_width") ?? 80
    showsAll = flags.isOn("show_all_deprecations")
  }

  /// What is said before the command begins.
  var warnings: [LogLine] {
    let line = LogLine(.warn, warning, event: Self.models)
    return [LogLine](repeating: line, count: showsAll ? modelsCount : min(1, modelsCount))
  }

  /// What is said when it has ended.
  var summary: LogLine? {
    guard modelsCount > 0 else { return nil }
    var parts = [
      "[WARNING][DeprecationsSummary]: Deprecated functionality", "Summary of encountered deprecations:",
      "- \(Self.models): \(Counted.text(modelsCount, "occurrence"))",
    ]
    if !showsAll {
      parts.append(
        "To see all deprecation instances instead of just the first occurrence of each, run command again with the "
          + "`--show-all-deprecations` flag. You may also need to run with `--no-partial-parse` as some deprecations are "
          + "only encountered during parsing.")
    }
    return LogLine(.warn, filled(parts), event: "DeprecationsSummary")
  }

  /// The warning's text, which `--warn-error` makes the command's error.
  var warning: String {
    filled([
      "[WARNING][\(Self.models)]: Deprecated functionality",
      "Usage of `--models`, `--model`, and `-m` is deprecated in favor of `--select` or `-s`.",
    ])
  }

  private static let models = "ModelParamUsageDeprecation"

  /// Each part in lines of at most `width` characters, broken at blanks.
  private func filled(_ parts: [String]) -> String {
    parts.map { part in
      var lines: [String] = []
      for word in part.split(separator: " ") {
        if let last = lines.last, last.count + 1 + word.count <= width {
          lines[lines.count - 1] = "\(last) \(word)"
        } else {
          lines.append(String(word))
        }
      }
      return lines.joined(separator: "\n")
    }.joined(separator: "\n")
  }
}
