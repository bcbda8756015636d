import OrderedCollections
import PlainData

/// What one package's property file says of a source of another.
struct SourceOverride {
  let entry: PropertyEntry

  /// The source that is meant, as `package.name`.
  var source: String { "\(package).\(entry.name)" }

  private var package: String { entry.members["overrides"]?.stringValue ?? "" }
  private var tables: [PlainObject] { (entry.members["tables"]?.arrayValue ?? []).compactMap(\.objectValue) }

  /// Lays itself over a table of the source.
  ///
  /// As in dbt, what is null changes nothing, but the source's configuration and freshness, and the table's freshness and
  /// quoting, are those given here, or none.
  func apply(to declaration: inout SourceParser.Declaration) {
    SourceOverride.lay(entry.members, over: &declaration.source, except: ["name", "overrides", "tables", "path"])
    declaration.source["config"] = entry.members["config"] ?? [:]
    guard let table = tables.first(where: { $0["name"] == declaration.table["name"] }) else { return }
    SourceOverride.lay(table, over: &declaration.table, except: ["name"])
    declaration.table["quoting"] = table["quoting"] ?? [:]
  }

  private static func lay(_ patch: PlainObject, over members: inout PlainObject, except kept: Set<String>) {
    for (key, value) in patch where !kept.contains(key) && !value.isNull { members[key] = value }
    members["freshness"] = patch["freshness"] ?? [:]
  }

  /// What is said here of things that are not there, a line each.
  ///
  /// - Parameter used: the tables that the source turned out to have; nil without such a source.
  func targetless(_ used: Set<String>?) -> [String] {
    let place = "(in \(entry.file.originalFilePath))"
    guard let used else { return ["  - Source \(source) \(place)"] }
    return Set(tables.compactMap { $0["name"]?.stringValue }).subtracting(used).sorted { $0.precedes($1) }
      .map { "  - Source table \(source).\($0) \(place)" }
  }

  /// dbt's complaint about a second override of one source.
  func duplicate(of present: SourceOverride) -> ProjectError {
    DuplicateResource.entry(
      "source named \(entry.name) in package \(package). Sources may only be overridden", "sources", source,
      in: entry.file.originalFilePath, present.entry.file.fileID)
  }
}

/// The sources of property files, as far as files have been read.
struct SourceDeclarations {
  var tables: [SourceParser.Declaration] = []
  var overrides: [SourceOverride] = []

  mutating func add(_ entry: PropertyEntry) throws(ProjectError) {
    if entry.members["overrides"] != nil {
      overrides.append(SourceOverride(entry: entry))
    } else {
      tables += try SourceParser.declarations(entry)
    }
  }
}
