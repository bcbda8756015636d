import PlainData

/// One option of dbt's command line, with every way to set it.
struct DBTParameter: Sendable {
  /// What an option takes.
  enum Kind: Sendable, Equatable {
    /// `--x` alone.
    case flag
    /// `--x` and `--no-x`.
    case toggle
    case text
    case integer
    /// One of these words, in any case.
    case choice([String])
    /// Words up to the next option, any number of times; of these choices when there are any.
    case words([String])
    /// A YAML object.
    case object
    /// A file or a folder; whether it must be there.
    case path(exists: Bool)
  }

  /// dbt's name of the flag, such as `full_refresh`.
  let name: String
  /// The spellings that set it, long ones first: `["--full-refresh", "-f"]`.
  let spellings: [String]
  let kind: Kind
  /// The variable that sets it, such as `DBT_FULL_REFRESH`; the same name with `DBT_ENGINE_` in front counts first.
  var variable: String?
  /// What it is when nothing sets it.
  var standard: PlainValue = .null
  /// One sentence for the help page; empty for options that help does not show.
  var about = ""

  /// The spellings that switch a toggle off.
  var negatives: [String] {
    guard kind == .toggle else { return [] }
    return spellings.filter { $0.hasPrefix("--") }.map { "--no-" + $0.dropFirst(2) }
  }

  /// The variables that set it, the one that counts most first.
  var variables: [String] {
    guard let variable else { return [] }
    guard !variable.hasPrefix("DBT_ENGINE_") else { return [variable] }
    return ["DBT_ENGINE_" + variable.dropFirst("DBT_".count), variable]
  }

  /// How messages name it: `'--target' / '-t'`.
  var hint: String { spellings.map { "'\($0)'" }.joined(separator: " / ") }

  /// Whether the option is followed by a value.
  var takesValue: Bool {
    switch kind {
    case .flag, .toggle: false
    default: true
    }
  }

  /// What help shows behind the spellings.
  var placeholder: String {
    switch kind {
    case .flag, .toggle: ""
    case .text: "TEXT"
    case .integer: "INTEGER"
    case .choice(let words): "[\(words.joined(separator: "|"))]"
    case .words(let words): words.isEmpty ? "TUPLE" : "[\(words.joined(separator: "|"))]"
    case .object: "YAML"
    case .path: "PATH"
    }
  }
}
