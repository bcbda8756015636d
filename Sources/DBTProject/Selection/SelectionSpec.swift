import OrderedCollections
package import PlainData

/// A selection: criteria joined by union, intersection and difference.
package indirect enum SelectionSpec: Sendable {
  case criteria(SelectionCriteria)
  case union([SelectionSpec], Group)
  case intersection([SelectionSpec], Group)
  case difference([SelectionSpec], Group)

  /// What holds for a group of selections as a whole.
  package struct Group: Sendable {
    /// As written, for messages.
    package var raw = ""
    package var indirect: IndirectSelection = .eager
    /// Whether nothing matching is worth a warning.
    package var expectsMatch = false

    package init(raw: String = "", indirect: IndirectSelection = .eager, expectsMatch: Bool = false) {
      self.raw = raw
      self.indirect = indirect
      self.expectsMatch = expectsMatch
    }
  }

  /// What dbt selects when nothing is asked for.
  static let everything = ["fqn:*", "source:*", "exposure:*", "metric:*", "semantic_model:*"]

  /// Reads the arguments of `--select` and `--exclude`: blanks and repetition join, commas intersect.
  ///
  /// - Parameter select: nil or empty selects everything.
  package init(select: [String]?, exclude: [String], indirect: IndirectSelection) throws(ProjectError) {
    let asked = select ?? []
    let included = try SelectionSpec.union(
      of: asked.isEmpty ? SelectionSpec.everything : asked, expectsMatch: !asked.isEmpty, indirect: indirect)
    let excluded = try SelectionSpec.union(of: exclude, expectsMatch: !exclude.isEmpty, indirect: indirect)
    self = .difference([included, excluded], Group())
  }

  private static func union(
    of texts: [String], expectsMatch: Bool, indirect: IndirectSelection
  ) throws(ProjectError) -> SelectionSpec {
    var members: [SelectionSpec] = []
    for text in texts {
      for raw in text.split(whereSeparator: \.isWhitespace).map(String.init) {
        var parts: [SelectionSpec] = []
        for part in raw.split(separator: ",", omittingEmptySubsequences: false) {
          parts.append(.criteria(try SelectionCriteria(String(part), indirect: indirect)))
        }
        members.append(.intersection(parts, Group(raw: raw, indirect: indirect, expectsMatch: expectsMatch)))
      }
    }
    return .union(members, Group(raw: texts.joined(separator: " "), indirect: indirect))
  }
}

/// The named selections of `selectors.yml`.
package struct SelectorDefinitions: Sendable {
  /// One named selection.
  package struct Definition: Sendable {
    package var name: String
    package var description: String
    /// Whether it is used when neither `--select`, `--exclude` nor `--selector` is given.
    package var isDefault: Bool
    package var spec: SelectionSpec
  }

  package private(set) var definitions: [Definition] = []

  /// No selectors.
  package init() {}

  /// Reads the parsed `selectors.yml`, whose values are rendered already.
  ///
  /// - Throws: a validation error that names the selector.
  package init(_ document: PlainValue, indirect: IndirectSelection) throws(ProjectError) {
    guard let entries = document["selectors"]?.arrayValue else {
      throw ProjectError(
        .runtime, "Could not read selector file data: 'selectors' is a required property", path: "selectors.yml")
    }
    for entry in entries {
      guard let name = entry["name"]?.stringValue, let definition = entry["definition"] else {
        throw ProjectError(
          .runtime, "Could not read selector file data: a selector needs a name and a definition", path: "selectors.yml"
        )
      }
      do throws(ProjectError) {
        let spec = try SelectionSpec(definition: definition, isRoot: true, indirect: indirect)
        definitions.append(
          Definition(
            name: name, description: entry["description"]?.stringValue ?? "",
            isDefault: entry["default"]?.isTruthy ?? false, spec: spec))
      } catch {
        throw ProjectError(error.kind, "Error in selector '\(name)': \(error.message)", path: "selectors.yml")
      }
    }
    let defaults = definitions.filter(\.isDefault).map(\.name)
    guard defaults.count <= 1 else {
      throw ProjectError(
        .runtime,
        "Error when parsing the selector file. Found multiple selectors with `default: true`:"
          + defaults.joined(separator: ", "),
        path: "selectors.yml")
    }
  }

  /// The selection of that name.
  package subscript(name: String) -> SelectionSpec? { definitions.first { $0.name == name }?.spec }

  /// The selection used when none is asked for.
  package var standard: SelectionSpec? { definitions.first(where: \.isDefault)?.spec }
}

extension SelectionSpec {
  /// Reads a definition: a text, a single method with its value, `method`/`value` with options, `union` or
  /// `intersection`.
  init(definition: PlainValue, isRoot: Bool = false, indirect: IndirectSelection) throws(ProjectError) {
    if let text = definition.stringValue {
      self = .criteria(try SelectionCriteria(text, indirect: indirect))
      return
    }
    guard let members = definition.objectValue else {
      throw ProjectError(
        .validation, "Expected to find union, intersection, str or dict, instead found \(definition.kindName)")
    }
    if isRoot, members.count > 1, members["union"] != nil || members["intersection"] != nil {
      throw ProjectError(
        .validation,
        "Only a single 'union' or 'intersection' key is allowed in a root level selector definition; found "
          + members.keys.joined(separator: ",") + ".")
    }
    if let parts = members["union"] {
      self = try SelectionSpec.group("union", parts, definition, indirect)
    } else if let parts = members["intersection"] {
      self = try SelectionSpec.group("intersection", parts, definition, indirect)
    } else {
      self = try SelectionSpec.single(members, definition, indirect)
    }
  }

  private static func group(
    _ key: String, _ parts: PlainValue, _ definition: PlainValue, _ indirect: IndirectSelection
  ) throws(ProjectError) -> SelectionSpec {
    guard let parts = parts.arrayValue else {
      throw ProjectError(.validation, "Invalid value for key \"\(key)\". Expected a list.")
    }
    var included: [SelectionSpec] = []
    var excluded: SelectionSpec?
    for part in parts {
      // As in dbt, whatever else stands beside `exclude` does not count.
      if let exclusions = part["exclude"] {
        guard excluded == nil else {
          throw ProjectError(
            .validation, "You cannot provide multiple exclude arguments to the same selector set operator")
        }
        excluded = try exclusion(exclusions, indirect)
      } else {
        included.append(try SelectionSpec(definition: part, indirect: indirect))
      }
    }
    let group: SelectionSpec = key == "union" ? .union(included, Group()) : .intersection(included, Group())
    guard let excluded else { return group }
    return .difference([group, excluded], Group(raw: definition.json()))
  }

  private static func exclusion(
    _ definitions: PlainValue, _ indirect: IndirectSelection
  ) throws(ProjectError) -> SelectionSpec? {
    guard let entries = definitions.arrayValue else {
      throw ProjectError(.validation, "Invalid value for key \"exclude\". Expected a list.")
    }
    var specs: [SelectionSpec] = []
    for entry in entries { specs.append(try SelectionSpec(definition: entry, indirect: indirect)) }
    if specs.count < 2 { return specs.first }
    return .union(specs, Group(raw: definitions.json()))
  }

  private static func single(
    _ members: PlainObject, _ definition: PlainValue, _ indirect: IndirectSelection
  ) throws(ProjectError) -> SelectionSpec {
    if let (key, value) = members.elements.first, members.count == 1 {
      return .criteria(
        try SelectionCriteria(["method": .string(key), "value": value], raw: definition.json(), indirect: indirect))
    }
    guard members["method"] != nil, members["value"] != nil else {
      throw ProjectError(
        .validation,
        "Expected either 1 key or else \"method\" and \"value\" keys, but got "
          + PlainValue.strings(Array(members.keys)).pythonText
      )
    }
    let base = SelectionSpec.criteria(try SelectionCriteria(members, raw: definition.json(), indirect: indirect))
    guard let exclusions = members["exclude"], let excluded = try exclusion(exclusions, indirect) else { return base }
    return .difference([base, excluded], Group())
  }
}
