import DBTEngine
import OrderedCollections
import PlainData
import YAMLDocument

/// The words of a command line as dbt's parser reads them: options before the command, the command, options after it.
struct DBTArguments {
  /// What the words ask for.
  enum Meaning {
    case command(DBTArguments)
    /// A page of help, already formatted.
    case help(String)
    case version
  }

  let syntax: DBTSyntax
  /// What options on the command line were set to, by their names.
  private(set) var given: PlainObject = [:]
  private(set) var positionals: [String] = []
  /// Whether an alias that dbt is about to drop (`--models`, `-m`) was used.
  private(set) var usesModelsAlias = false

  /// - Parameter words: everything behind `dbt`.
  /// - Throws: what dbt's parser would say.
  static func parse(_ words: [String]) throws(DBTUsageError) -> Meaning {
    var outer = Scanner(words: words, program: "dbt", pattern: "[OPTIONS] [COMMAND] [ARGS]...")
    let names = DBTParameters.global + ["show_resource_report"]
    var rest = try outer.scan(names, stopsAtWord: true)
    if outer.asksForHelp { return .help(DBTHelp.root()) }
    if outer.given["version"] != nil { return .version }
    guard !rest.isEmpty else { return .help(DBTHelp.root()) }
    var name = [rest.removeFirst()]
    if let about = DBTSyntax.groups[name[0]] {
      var group = Scanner(words: rest, program: "dbt \(name[0])", pattern: "[OPTIONS] COMMAND [ARGS]...")
      rest = try group.scan(DBTParameters.global, stopsAtWord: true)
      if group.asksForHelp || rest.isEmpty { return .help(DBTHelp.group(name[0], about)) }
      try merge(group.given, into: &outer.given)
      name.append(rest.removeFirst())
    }
    guard let syntax = DBTSyntax.all.first(where: { $0.words == name }) else { throw unknown(name) }
    let program = "dbt \(name.joined(separator: " "))"
    let positionals = syntax.positionals.map { $0.isRequired ? $0.name.uppercased() : "[\($0.name.uppercased())]" }
    var inner = Scanner(
      words: rest, program: program, pattern: (["[OPTIONS]"] + positionals).joined(separator: " "))
    var words = try inner.scan(syntax.parameters, stopsAtWord: false)
    if inner.asksForHelp { return .help(DBTHelp.page(syntax)) }
    if inner.given["version"] != nil { return .version }
    try merge(inner.given, into: &outer.given)
    var result = DBTArguments(syntax: syntax)
    result.given = outer.given
    result.usesModelsAlias = inner.usesModelsAlias
    result.positionals = Array(words.prefix(syntax.positionals.count))
    words.removeFirst(result.positionals.count)
    guard words.isEmpty else {
      let noun = words.count == 1 ? "argument" : "arguments"
      throw inner.failure("Got unexpected extra \(noun) (\(words.joined(separator: " ")))")
    }
    return .command(result)
  }

  private init(syntax: DBTSyntax) { self.syntax = syntax }

  private static func unknown(_ name: [String]) -> DBTUsageError {
    let depth = name.count
    let known = DBTSyntax.all.filter {
      $0.words.count >= depth && $0.words.prefix(depth - 1).elementsEqual(name.dropLast())
    }
    let names = OrderedSet(known.map { $0.words[depth - 1] })
    let near = NearMatch.find(name[depth - 1], among: Array(names))
    let hint =
      switch near.count {
      case 0: ""
      case 1: " Did you mean '\(near[0])'?"
      default: " (Did you mean one of: \(near.sorted().map { "'\($0)'" }.joined(separator: ", "))?)"
      }
    return DBTUsageError(
      program: (["dbt"] + name.dropLast()).joined(separator: " "),
      pattern: depth == 1 ? "[OPTIONS] [COMMAND] [ARGS]..." : "[OPTIONS] COMMAND [ARGS]...",
      message: "No such command '\(name[depth - 1])'.\(hint)")
  }

  private static func merge(_ new: PlainObject, into old: inout PlainObject) throws(DBTUsageError) {
    for (name, value) in new {
      guard old.updateValue(value, forKey: name) == nil else {
        throw DBTUsageError(
          program: "dbt", pattern: nil,
          message:
            "\(name) was provided both before and after the subcommand, it can only be set either before or after.",
          isOfFlags: true)
      }
    }
  }

  /// Reads options of one level.
  private struct Scanner {
    var words: [String]
    let program: String
    let pattern: String
    var given: PlainObject = [:]
    var asksForHelp = false
    var usesModelsAlias = false

    init(words: [String], program: String, pattern: String) {
      self.words = words
      self.program = program
      self.pattern = pattern
    }

    func failure(_ message: String) -> DBTUsageError {
      DBTUsageError(program: program, pattern: pattern, message: message)
    }

    /// Takes options until the first other word, or all of them, and returns the words that are no options.
    mutating func scan(_ names: [String], stopsAtWord: Bool) throws(DBTUsageError) -> [String] {
      var known: [String: (parameter: DBTParameter, isOn: Bool)] = [:]
      for name in names {
        guard let parameter = DBTParameters.byName[name] else { continue }
        for spelling in parameter.spellings { known[spelling] = (parameter, true) }
        for spelling in parameter.negatives { known[spelling] = (parameter, false) }
      }
      var rest: [String] = []
      while !words.isEmpty {
        let word = words.removeFirst()
        if word == "--" { break }
        guard word.hasPrefix("-"), word.count > 1 else {
          if stopsAtWord { return [word] + words }
          rest.append(word)
          continue
        }
        if word == "-h" || word == "--help" {
          asksForHelp = true
          return []
        }
        word.hasPrefix("--") ? try takeLong(word, known) : try takeShort(word, known)
      }
      return rest + words
    }

    private mutating func takeLong(
      _ word: String, _ known: [String: (parameter: DBTParameter, isOn: Bool)]
    ) throws(DBTUsageError) {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let found = known[parts[0]] else { throw failure(Self.noSuchOption(parts[0], known)) }
      if parts.count == 2 {
        guard found.parameter.takesValue else {
          throw DBTUsageError(
            program: program, pattern: nil, message: "Option '\(parts[0])' does not take a value.")
        }
        words.insert(parts[1], at: 0)
      }
      try take(found, as: parts[0])
    }

    private mutating func takeShort(
      _ word: String, _ known: [String: (parameter: DBTParameter, isOn: Bool)]
    ) throws(DBTUsageError) {
      var letters = Substring(word.dropFirst())
      while let letter = letters.popFirst() {
        let option = "-\(letter)"
        guard let found = known[option] else { throw failure("No such option '\(option)'.") }
        guard found.parameter.takesValue else {
          try take(found, as: option)
          continue
        }
        if !letters.isEmpty { words.insert(String(letters), at: 0) }
        return try take(found, as: option)
      }
    }

    private static func noSuchOption(
      _ option: String, _ known: [String: (parameter: DBTParameter, isOn: Bool)]
    ) -> String {
      let near = NearMatch.find(option, among: known.keys.filter { $0.hasPrefix("--") }).sorted()
      switch near.count {
      case 0: return "No such option '\(option)'."
      case 1: return "No such option '\(option)'. Did you mean '\(near[0])'?"
      default:
        return "No such option '\(option)'. (Did you mean one of: \(near.map { "'\($0)'" }.joined(separator: ", "))?)"
      }
    }

    private mutating func take(
      _ found: (parameter: DBTParameter, isOn: Bool), as spelling: String
    ) throws(DBTUsageError) {
      let parameter = found.parameter
      guard parameter.takesValue else {
        given[parameter.name] = .bool(found.isOn)
        return
      }
      guard !words.isEmpty else {
        throw DBTUsageError(program: program, pattern: nil, message: "Option '\(spelling)' requires an argument.")
      }
      let word = words.removeFirst()
      if ["--models", "--model", "-m"].contains(spelling) { usesModelsAlias = true }
      do throws(DBTValueError) {
        guard case .words = parameter.kind else {
          given[parameter.name] = try DBTValue.read(word, for: parameter)
          return
        }
        // dbt splits the first word at blanks, and takes those that follow up to what looks like an option of its kind.
        let hasShort = parameter.spellings.contains { !$0.hasPrefix("--") }
        var values = word.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        while let next = words.first, !next.hasPrefix(hasShort ? "-" : "--") { values.append(words.removeFirst()) }
        var all = given[parameter.name]?.arrayValue ?? []
        for value in values { all.append(try DBTValue.read(value, for: parameter)) }
        given[parameter.name] = .array(all)
      } catch {
        var refused = failure("Invalid value for \(parameter.hint): \(error.message)")
        if case .object = parameter.kind {
          let name = (parameter.spellings.first ?? parameter.name).drop { $0 == "-" }
          refused.notice = "[ERROR]: The YAML provided in the --\(name) argument is not valid."
        }
        throw refused
      }
    }
  }
}
