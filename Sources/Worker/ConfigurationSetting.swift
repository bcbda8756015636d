/// One environment variable: what the parser checks and what the README's table says, declared once.
package struct Setting: Sendable, Hashable {
  /// The form of a value.
  package enum Kind: Sendable, Hashable {
    case text
    case address
    case flag
    case choice([String])
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    /// A regular file that exists.
    case file
    /// A regular file that exists, or a folder of such.
    case fileOrFolder
    /// A folder.
    case folder
    /// Folders between commas.
    case folders
    case logFilter
  }

  /// Whether a value is acted upon.
  package enum Availability: Sendable, Hashable {
    case read
    /// A feature that this version lacks: any value but the harmless ones stops the start.
    case later(harmless: [String])
    /// Set by many environments for other programs; a value earns a warning and nothing else.
    case warned(String)
  }

  /// The table's chapters, in its order.
  package enum Section: String, Sendable, Hashable, CaseIterable {
    case scheduler = "Scheduler"
    case network = "Network"
    case projects = "Projects"
    case artifacts = "Artifacts"
    case tuning = "Worker tuning"
    case operations = "Health and logs"
    case confinement = "Confinement"
  }

  /// The variable.
  package let name: String
  /// The chapter of the table.
  package let section: Section
  /// The form of its values.
  package let kind: Kind
  /// The value that holds when the variable is unset or empty; nil: none.
  package let standard: String?
  /// One or two sentences for the README.
  package let doc: String
  /// A right value, shown beside a wrong one.
  package let example: String
  /// Whether the value must never be shown; such a variable may be given as `NAME_FILE` too.
  package let isSecret: Bool
  /// Whether a value is acted upon.
  package let availability: Availability
  /// Other spellings under which other programs know the variable; `name` wins.
  package let aliases: [String]

  init(
    _ name: String, _ section: Section, _ kind: Kind, standard: String? = nil, example: String? = nil,
    isSecret: Bool = false, availability: Availability = .read, aliases: [String] = [], _ doc: String
  ) {
    self.name = name
    self.section = section
    self.kind = kind
    self.standard = standard
    self.example = example ?? standard ?? kind.sample
    self.isSecret = isSecret
    self.availability = availability
    self.aliases = aliases
    self.doc = doc
  }

  /// The variable that names a mounted file with the value; nil unless the value is secret.
  package var fileName: String? { isSecret ? name + "_FILE" : nil }
}

extension Setting.Kind {
  /// What a value must be, as the end of "is not …".
  var meaning: String {
    switch self {
    case .text: "a text"
    case .address: "an address"
    case .flag: "true or false"
    case .choice(let words): "one of " + words.joined(separator: ", ")
    case .integer(let range):
      range.upperBound == .max
        ? "a whole number of at least \(range.lowerBound)"
        : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range):
      range.upperBound == .infinity
        ? "a number of at least \(range.lowerBound)" : "a number from \(range.lowerBound) to \(range.upperBound)"
    case .file: "a file"
    case .fileOrFolder: "a file or folder"
    case .folder: "a folder"
    case .folders: "a list of folders"
    case .logFilter: "a log level, or levels by logger"
    }
  }

  /// A value that is right for most variables of the kind.
  var sample: String {
    switch self {
    case .text: "text"
    case .address: "scheduler.example:7233"
    case .flag: "true"
    case .choice(let words): words.first ?? ""
    case .integer(let range): String(range.lowerBound)
    case .number(let range): String(range.lowerBound)
    case .file, .fileOrFolder: "/etc/sallyport/file"
    case .folder, .folders: "/project"
    case .logFilter: "info"
    }
  }
}
