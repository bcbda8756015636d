import OrderedCollections

/// Pages of help, in the layout of dbt's own.
enum DBTHelp {
  private static let width = 80
  private static let column = 34

  /// `dbt --help`.
  static func root() -> String {
    let commands = DBTSyntax.all.filter { !$0.isHidden && $0.words.count == 1 }.map { ($0.words[0], $0.about) }
    let groups = DBTSyntax.groups.map { ($0.key, $0.value) }
    let lines =
      ["Usage: dbt [OPTIONS] [COMMAND] [ARGS]...", ""]
      + wrapped("Builds a dbt project on PostgreSQL, with dbt's commands, flags, lines and exit codes.", indent: 2)
      + ["", "Options:"] + options(DBTParameters.global)
      + ["", "Commands:"] + table((commands + groups).sorted { $0.0 < $1.0 })
      + ["", "  Specify one of these sub-commands and you can find more help from there."]
    return lines.joined(separator: "\n")
  }

  /// `dbt docs --help`.
  static func group(_ name: String, _ about: String) -> String {
    let commands = DBTSyntax.all.filter { !$0.isHidden && $0.words.first == name }.map { ($0.words[1], $0.about) }
    let lines =
      ["Usage: dbt \(name) [OPTIONS] COMMAND [ARGS]...", "", "  \(about)", "", "Options:"]
      + options(DBTParameters.global) + ["", "Commands:"] + table(commands)
    return lines.joined(separator: "\n")
  }

  /// `dbt run --help`.
  static func page(_ syntax: DBTSyntax) -> String {
    let positionals = syntax.positionals.map { "[\($0.name.uppercased())]" }
    let usage = (["Usage: dbt \(syntax.words.joined(separator: " ")) [OPTIONS]"] + positionals).joined(separator: " ")
    let lines = [usage, ""] + wrapped(syntax.about, indent: 2) + ["", "Options:"] + options(syntax.parameters)
    return lines.joined(separator: "\n")
  }

  private static func options(_ names: [String]) -> [String] {
    var rows: [(String, String)] = []
    for parameter in names.compactMap({ DBTParameters.byName[$0] }) where !parameter.about.isEmpty {
      let short = parameter.spellings.filter { !$0.hasPrefix("--") }
      let long = parameter.spellings.filter { $0.hasPrefix("--") }
      var head = (short + long).joined(separator: ", ")
      if !parameter.negatives.isEmpty { head += " / " + parameter.negatives.joined(separator: ", ") }
      if !parameter.placeholder.isEmpty { head += " " + parameter.placeholder }
      rows.append((head, parameter.about))
    }
    rows.append(("-h, --help", "Show this message and exit."))
    return table(rows, column: column)
  }

  private static func table(_ rows: [(String, String)], column fixed: Int? = nil) -> [String] {
    let column = fixed ?? (rows.map(\.0.count).max() ?? 0) + 4
    var lines: [String] = []
    for (head, about) in rows {
      let body = wrapped(about, indent: column)
      if head.count + 4 <= column, let first = body.first {
        lines.append("  \(head)" + String(repeating: " ", count: column - head.count - 2) + first.dropFirst(column))
        lines += body.dropFirst()
      } else {
        lines += ["  \(head)"] + body
      }
    }
    return lines
  }

  /// Lines of at most 80 characters, indented.
  private static func wrapped(_ text: String, indent: Int) -> [String] {
    let blank = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, indent + line.count + 1 + word.count > width {
        lines.append(blank + line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    return line.isEmpty ? lines : lines + [blank + line]
  }
}
