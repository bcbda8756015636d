package import Observability
package import Secrets

/// Reads variables by their declarations and collects what is wrong with them, so that all faults are shown at once.
package struct SettingReader {
  private let environment: ProcessEnvironment
  /// Faults found so far.
  package private(set) var problems: [ConfigurationError.Problem] = []
  /// What deserves a line in the log though the start goes on.
  package private(set) var warnings: [String] = []
  /// The variables asked for, so that a test can tell whether the table and the parser agree.
  package private(set) var consulted: Set<String> = []

  /// Reads nothing yet.
  package init(_ environment: ProcessEnvironment) { self.environment = environment }

  /// Ends the reading: throws when there was any fault.
  package func finish() throws(ConfigurationError) {
    guard problems.isEmpty else { throw ConfigurationError(problems) }
  }

  /// Adds a fault.
  package mutating func fault(_ setting: Setting, _ fault: String) {
    problems.append(ConfigurationError.Problem(variable: setting.name, fault: fault))
  }

  /// Adds a fault that shows the value, unless it is secret, and an example.
  package mutating func fault(_ setting: Setting, value: String, _ fault: String) {
    let shown = setting.isSecret ? "the value" : "'\(SettingReader.shown(value))'"
    self.fault(setting, "\(shown) \(fault); for example \(setting.name)=\(setting.example)")
  }

  /// Adds a warning.
  package mutating func warn(_ text: String) { warnings.append(text) }

  /// The value as it is set; an empty one counts as unset.
  package mutating func given(_ setting: Setting) -> String? {
    consulted.insert(setting.name)
    return ([setting.name] + setting.aliases).compactMap { environment.values[$0] }.first { !$0.isEmpty }
  }

  /// Whether the variable, or its `_FILE`, has a value.
  package func isSet(_ setting: Setting) -> Bool {
    ([setting.name] + setting.aliases + [setting.fileName].compactMap { $0 }).contains { name in
      environment.values[name]?.isEmpty == false || environment.secrets[name]?.isEmpty == false
    }
  }

  /// The value of any variable, for `${NAME}` in other values.
  package func plain(_ name: String) -> String? { environment.values[name] }

  /// The value or the default.
  package mutating func text(_ setting: Setting) -> String? { given(setting) ?? setting.standard }

  /// Whether the value, or the default, means yes.
  package mutating func flag(_ setting: Setting) -> Bool {
    let value = text(setting) ?? ""
    if Setting.trueWords.contains(value.lowercased()) { return true }
    if !value.isEmpty && !Setting.falseWords.contains(value.lowercased()) { misfit(setting, value) }
    return false
  }

  /// One of the words of a choice, in lower case; the default after a fault.
  package mutating func choice(_ setting: Setting) -> String {
    guard case .choice(let words) = setting.kind, let value = text(setting) else { return "" }
    if let word = words.first(where: { $0 == value.lowercased() }) { return word }
    misfit(setting, value)
    return setting.standard ?? ""
  }

  /// A number within the range; nil after a fault or without value and default.
  package mutating func integer(_ setting: Setting) -> Int? {
    guard case .integer(let range) = setting.kind, let value = text(setting) else { return nil }
    if let number = Int(value), range.contains(number) { return number }
    misfit(setting, value)
    return nil
  }

  /// Levels; nil after a fault or without value and default.
  package mutating func logFilter(_ setting: Setting) -> LogFilter? {
    guard let value = text(setting) else { return nil }
    if let filter = LogFilter(value) { return filter }
    fault(
      setting, value: value, "is not \(setting.kind.meaning) out of \(LogFilter.levelNames.joined(separator: ", "))")
    return nil
  }

  /// The path of a file that can be read and is at most 1 MiB long. `mark` must stand in it.
  package mutating func file(_ setting: Setting, containing mark: String? = nil) -> String? {
    guard let path = given(setting) else { return nil }
    do {
      let bytes = try MountedFile.read(path)
      if let mark, !SettingReader.contains(bytes, mark) {
        fault(
          setting, "'\(SettingReader.shown(path))' holds no \(mark): a PEM file is needed, which is text with that line"
        )
        return nil
      }
      return path
    } catch {
      fault(setting, "\(error); for example \(setting.name)=\(setting.example)")
      return nil
    }
  }

  /// A secret from the variable or from the file that `NAME_FILE` names.
  package mutating func secret(_ setting: Setting) -> SecretSource? {
    consulted.insert(setting.name)
    let value = ([setting.name] + setting.aliases).compactMap { environment.secrets[$0] }.first
    guard let fileName = setting.fileName, let path = environment.values[fileName], !path.isEmpty else {
      if let value { Redactor.process.register(value) }
      return value.map { .value($0) }
    }
    guard value == nil else {
      fault(setting, "set together with \(fileName): which of them is meant? Unset one")
      return nil
    }
    let file = SecretFile(path: path)
    do {
      Redactor.process.register(try file.current())
      return .file(file)
    } catch {
      problems.append(ConfigurationError.Problem(variable: fileName, fault: "\(error)"))
      return nil
    }
  }

  /// Refuses variables of the sections whose feature is not there yet, and warns of those that have no effect.
  package mutating func refuseWhatIsNotThere(in sections: Set<Setting.Section>) {
    for setting in Setting.all where sections.contains(setting.section) && isSet(setting) {
      switch setting.availability {
      case .read: continue
      case .warned(let note):
        consulted.insert(setting.name)
        warnings.append("\(setting.name) is set: \(note)")
      case .later(let harmless):
        let value = given(setting) ?? ""
        if harmless.contains(value.lowercased()) { continue }
        let allowed = harmless.isEmpty ? "unset it" : "unset it or set it to '\(harmless[0])'"
        fault(setting, "asks for what this version cannot do yet (\(setting.doc.droppingStop)): \(allowed)")
      }
    }
  }

  /// Warns of set variables that look like a known name with a slip of the keyboard.
  package mutating func warnOfMisspellings() {
    let known = Set(Setting.all.flatMap { [$0.name, $0.name + "_FILE"] })
    for name in environment.values.keys.sorted() where name.count >= 8 && !known.contains(name) {
      if let meant = known.sorted().first(where: { SettingReader.isOneSlipApart(Array(name.utf8), Array($0.utf8)) }) {
        warnings.append("\(name) is not known: was \(meant) meant?")
      }
    }
  }

  private mutating func misfit(_ setting: Setting, _ value: String) {
    fault(setting, value: value, "is not \(setting.kind.meaning)")
  }

  /// A value for an error message: short and on one line.
  static func shown(_ value: String) -> String {
    let line = LogRecord.escaped(value)
    return line.count <= 80 ? line : line.prefix(80) + "…"
  }

  private static func contains(_ bytes: [UInt8], _ mark: String) -> Bool {
    let mark = Array(mark.utf8)
    guard bytes.count >= mark.count else { return false }
    return (0...(bytes.count - mark.count)).contains { bytes[$0..<($0 + mark.count)].elementsEqual(mark) }
  }

  /// Whether one insertion, deletion, replacement or swap of neighbours turns one name into the other.
  static func isOneSlipApart(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count <= right.count else { return isOneSlipApart(right, left) }
    guard right.count - left.count <= 1, left != right else { return false }
    let same = zip(left, right).prefix { $0 == $1 }.count
    if left.count < right.count { return left[same...] == right[(same + 1)...] }
    if left[(same + 1)...] == right[(same + 1)...] { return true }
    return same + 1 < left.count && left[same] == right[same + 1] && left[same + 1] == right[same]
      && left[(same + 2)...] == right[(same + 2)...]
  }
}

/// Where a secret comes from: given once, or in a file that may be replaced.
package enum SecretSource: Sendable {
  case value(SharedSecret)
  case file(SecretFile)

  /// The secret as of now. A file is read again when it has changed, which blocks.
  package func current() throws(SecretError) -> SharedSecret {
    switch self {
    case .value(let secret): secret
    case .file(let file): try file.current()
    }
  }
}

extension String {
  /// The text without a full stop at its end.
  fileprivate var droppingStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
