import DBTContext
import OrderedCollections
import PlainData

/// Makes the unit tests that property files declare. They are carried in the manifest with their rows read.
struct UnitTestParser {
  let resources: ParsedResources
  let environment: ParseEnvironment
  /// Fixture files by package and name.
  let fixtures: [String: SourceFile]

  /// Adds a unit test.
  ///
  /// - Throws: a parsing error when its rows do not fit their format, or it both includes and excludes versions.
  func add(_ entry: PropertyEntry) throws(ProjectError) {
    let members = entry.members
    let model = members["model"]?.stringValue ?? ""
    let given = members["given"]?.arrayValue ?? []
    let expect = members["expect"]?.objectValue ?? [:]
    let versions = members["versions"]?.objectValue
    guard !["include", "exclude"].allSatisfy({ versions?[$0]?.isTruthy ?? false }) else {
      throw entry.invalid("at path []: Unit tests can not both include and exclude versions.")
    }
    let package = entry.file.packageName
    let folders = entry.file.originalFilePath.split(separator: "/").dropFirst().dropLast().map(String.init)
    let fqn = [package] + folders + [model, entry.name]
    let config = try environment.configs.build(.unitTest, fqn: fqn, package: package, patch: entry.config)
    let inputs = try given.map { input throws(ProjectError) in
      try fixture(input.objectValue ?? [:], entry, isInput: true)
    }
    var document: PlainObject = [
      "model": .string(model), "given": .array(inputs), "expect": try fixture(expect, entry, isInput: false),
      "name": .string(entry.name), "resource_type": "unit_test", "package_name": .string(package),
      "path": .string(entry.file.relativePath), "original_file_path": .string(entry.file.originalFilePath),
      "unique_id": .string("unit_test.\(package).\(model).\(entry.name)"), "fqn": .strings(fqn),
      "description": members["description"] ?? "", "overrides": UnitTestParser.overrides(members["overrides"]),
      "depends_on": ["macros": [], "nodes": []], "config": .object(config),
      "checksum": nil,
      "schema": nil, "created_at": .double(environment.createdAt),
      "versions": versions.map { ["include": $0["include"] ?? .null, "exclude": $0["exclude"] ?? .null] } ?? .null,
      "version": nil,
    ]
    document["checksum"] = .string(UnitTestChecksum.hex(document))
    var test = ResourceEntry(
      uniqueID: "unit_test.\(package).\(model).\(entry.name)", resourceType: .unitTest, packageName: package,
      name: entry.name, fqn: fqn, originalFilePath: entry.file.originalFilePath, document: document)
    test.config = config
    test.tags = (config["tags"]?.arrayValue ?? []).compactMap(\.stringValue)
    guard test.isEnabled else {
      resources.manifest.disabledEntries[test.uniqueID, default: []].append(test.json())
      return
    }
    if let present = resources.manifest.unitTests[test.uniqueID] {
      throw DuplicateResource.error(
        "unit_tests", test.name, test.name, (test.uniqueID, test.originalFilePath),
        (present.uniqueID, present.originalFilePath))
    }
    resources.manifest.unitTests[test.uniqueID] = test
  }

  private static func overrides(_ value: PlainValue?) -> PlainValue {
    guard let members = value?.objectValue else { return .null }
    return [
      "macros": members["macros"] ?? [:], "vars": members["vars"] ?? [:], "env_vars": members["env_vars"] ?? [:],
    ]
  }

  // MARK: Rows

  private func fixture(
    _ members: PlainObject, _ entry: PropertyEntry, isInput: Bool
  ) throws(ProjectError) -> PlainValue {
    let format = members["format"]?.stringValue ?? "dict"
    let named = members["fixture"]?.stringValue
    var rows = members["rows"] ?? .null
    func mismatch(_ expected: String) -> ProjectError {
      ProjectError(
        .parsing,
        "Unit test \(entry.name) has \(isInput ? "input" : "expected") rows which do not match format "
          + "\(format).\(expected)",
        path: entry.file.originalFilePath)
    }
    switch format {
    case "dict":
      if rows.isNull, named == nil, isInput {
        rows = .array(try seedRows(members["input"]?.stringValue ?? "", entry))
      }
      guard rows.arrayValue != nil else { throw mismatch("") }
    case "csv":
      let text = try named.map { name throws(ProjectError) in try contents(name, entry) } ?? rows.stringValue
      guard let text else { throw mismatch("  Expected string.") }
      rows = .array(UnitTestRows.read(text).map { .object($0.mapValues { $0 == "" ? .null : $0 }) })
    default:
      let text = try named.map { name throws(ProjectError) in try contents(name, entry) } ?? rows.stringValue
      guard let text else { throw mismatch("  Expected string.") }
      rows = .string(text)
    }
    if format != "sql", let items = rows.arrayValue { rows = .array(UnitTestRows.fullRowFirst(items)) }
    var document: PlainObject = ["rows": rows, "format": .string(format), "fixture": .optional(named)]
    if isInput {
      document = ["input": members["input"] ?? ""]
      document["rows"] = rows
      document["format"] = .string(format)
      document["fixture"] = .optional(named)
    }
    return .object(document)
  }

  private func contents(_ name: String, _ entry: PropertyEntry) throws(ProjectError) -> String {
    guard let file = fixtures["\(entry.file.packageName).\(name)"] else {
      throw ProjectError(
        .parsing,
        "File not found for fixture '\(name)' in unit tests in \(entry.file.originalFilePath)",
        path: entry.file.originalFilePath)
    }
    return try file.contents()
  }

  private func seedRows(_ input: String, _ entry: PropertyEntry) throws(ProjectError) -> [PlainValue] {
    let package = entry.file.packageName
    var sought = (package: package, name: input)
    if case .ref(let reference)? = ReferenceExpression(input) {
      sought = (reference.package ?? package, reference.name)
    }
    guard case .ref(let reference)? = ReferenceExpression(input),
      let id = try resources.lookup.ref(reference.name, package: reference.package ?? package),
      let seed = resources.node(id), seed.resourceType == .seed
    else {
      throw ProjectError(
        .parsing,
        "Unable to find seed '\(sought.package).\(sought.name)' for unit tests in "
          + (sought.package == package
            ? "directories: " + PlainValue.strings(environment.packages[package]?.seedPaths ?? []).pythonText
            : "'\(sought.package)' package"),
        path: entry.file.originalFilePath)
    }
    let path = (seed.rootPath ?? "") + "/" + seed.originalFilePath
    return UnitTestRows.read(try FileReader.text(path, named: seed.originalFilePath)).map(PlainValue.object)
  }
}

/// Rows of a unit test written as CSV.
enum UnitTestRows {
  /// One object for each line after the header, all values texts; missing cells are null.
  static func read(_ text: String) -> [PlainObject] {
    let lines = records(text)
    guard let header = lines.first else { return [] }
    return lines.dropFirst().filter { $0 != [""] }.map { cells in
      var row = PlainObject()
      for (index, name) in header.enumerated() { row[name] = index < cells.count ? .string(cells[index]) : .null }
      return row
    }
  }

  /// The rows with the first one that has no null in front.
  static func fullRowFirst(_ rows: [PlainValue]) -> [PlainValue] {
    var rows = rows
    let full = rows.firstIndex { $0.objectValue?.values.allSatisfy { !$0.isNull } ?? false }
    if let full { rows.swapAt(0, full) }
    return rows
  }

  private static func records(_ text: String) -> [[String]] {
    var records: [[String]] = []
    var cells: [String] = []
    var cell = ""
    var isQuoted = false
    var rest = Substring(text.replacing("\r\n", with: "\n"))
    while let character = rest.popFirst() {
      if isQuoted {
        if character != "\"" {
          cell.append(character)
        } else if rest.first == "\"" {
          cell.append(rest.removeFirst())
        } else {
          isQuoted = false
        }
        continue
      }
      switch character {
      case "\"" where cell.isEmpty: isQuoted = true
      case ",":
        cells.append(cell)
        cell = ""
      case "\n":
        records.append(cells + [cell])
        cells = []
        cell = ""
      default: cell.append(character)
      }
    }
    if !cell.isEmpty || !cells.isEmpty { records.append(cells + [cell]) }
    return records
  }
}
