import OrderedCollections
package import PlainData

/// What earlier runs left in a folder (`--state`): a manifest to compare with and to defer to, results, freshness.
///
/// Any part may be missing; what needs it then says so. Written by dbt 1.5 or newer, or by Sallyport.
package struct PreviousState: Sendable {
  /// The folder as the user named it, for messages.
  package let folder: String
  package let manifest: StateManifest?
  /// Whether sources are compared as they are written: dbt's `state_modified_compare_more_unrendered_values`.
  package var comparesUnrendered = true
  /// The whole of `run_results.json` (v6 or older).
  package let runResults: PlainValue?
  /// When each source was last loaded, by `sources.json` of the state folder.
  package let sources: SourceLoads?
  /// The same by `sources.json` of the current target folder.
  package let currentSources: SourceLoads?

  /// Reads the artifacts of a folder.
  ///
  /// - Parameters:
  ///   - folder: as named by the user, relative to `root` unless absolute.
  ///   - root: the project's folder.
  ///   - target: the folder into which this run writes; for `source_status`. May be relative to `root` too.
  /// - Throws: a runtime error for an artifact that is no JSON or of a version that cannot be read.
  package init(folder: String, root: String, target: String?) throws(ProjectError) {
    self.folder = folder
    let place = Self.absolute(folder, root)
    manifest = try Self.read("\(place)/manifest.json", "manifest", 4...12).map(StateManifest.init)
    runResults = try Self.read("\(place)/run_results.json", "run-results", 4...6)
    sources = try Self.read("\(place)/sources.json", "sources", 3...3).map(SourceLoads.init)
    currentSources = try target.flatMap { target throws(ProjectError) in
      try Self.read("\(Self.absolute(target, root))/sources.json", "sources", 3...3).map(SourceLoads.init)
    }
  }

  private static func absolute(_ folder: String, _ root: String) -> String {
    folder.hasPrefix("/") ? folder : "\(root)/\(folder)"
  }

  /// The document of an artifact; nil when there is no such file.
  package static func read(
    _ path: String, _ name: String, _ versions: ClosedRange<Int>
  ) throws(ProjectError) -> PlainValue? {
    guard FileReader.isFile(path) else { return nil }
    let bytes = try FileReader.read(path, limit: 1 << 30)
    let document: PlainValue
    do throws(JSONError) {
      document = try PlainValue(json: bytes, limits: JSONLimits(bytes: 1 << 30))
    } catch {
      throw ProjectError(.runtime, "The file is not valid JSON: \(error)", path: path)
    }
    let base = "https://schemas.getdbt.com/dbt/\(name)/v"
    let found = document["metadata"]?["dbt_schema_version"]?.stringValue
    if let found, found.hasPrefix(base), found.hasSuffix(".json"),
      let version = Int(found.dropFirst(base.count).dropLast(5)), versions.contains(version)
    {
      return document
    }
    throw ProjectError(
      .runtime,
      "Expected a schema version of \"\(base)\(versions.upperBound).json\" in \(path), but found "
        + "\(found.map { "\"\($0)\"" } ?? "nothing"). Are you running with a different version of dbt?")
  }

  /// Unique ids with the given status in `run_results.json`.
  ///
  /// - Throws: an internal error when the folder holds no results.
  package func ids(status: String) throws(ProjectError) -> Set<String> {
    guard let results = runResults?["results"]?.arrayValue else {
      throw ProjectError(.internalFailure, "No comparison run_results")
    }
    return Set(results.filter { $0["status"]?.stringValue == status }.compactMap { $0["unique_id"]?.stringValue })
  }

  /// Unique ids of the sources with newer data than before.
  ///
  /// - Throws: an internal error when one of the two `sources.json` is missing.
  package func fresherSources() throws(ProjectError) -> Set<String> {
    guard let sources else {
      throw ProjectError(.internalFailure, "No previous state comparison freshness results in sources.json")
    }
    guard let currentSources else {
      throw ProjectError(.internalFailure, "No current state comparison freshness results in sources.json")
    }
    let fresher = currentSources.loadedAt.filter { id, loaded in
      guard !currentSources.failed.contains(id) else { return false }
      return sources.loadedAt[id].map { loaded > $0 } ?? true
    }
    return Set(fresher.keys)
  }
}

/// The parts of `sources.json` (v3) that selection compares.
package struct SourceLoads: Sendable {
  /// `max_loaded_at` by unique id, as sortable text: UTC, fractions of six digits.
  let loadedAt: [String: String]
  /// Unique ids whose freshness could not be measured.
  let failed: Set<String>

  init(_ document: PlainValue) {
    var loadedAt: [String: String] = [:]
    var failed: Set<String> = []
    for result in document["results"]?.arrayValue ?? [] {
      guard let id = result["unique_id"]?.stringValue else { continue }
      if let time = result["max_loaded_at"]?.stringValue {
        loadedAt[id] = Self.sortable(time)
      } else {
        failed.insert(id)
      }
    }
    self.loadedAt = loadedAt
    self.failed = failed
  }

  /// Pads the fraction, so that times compare as texts.
  private static func sortable(_ time: String) -> String {
    var body = Substring(time)
    for zone in ["Z", "+00:00"] where body.hasSuffix(zone) { body.removeLast(zone.count) }
    let parts = body.split(separator: ".", maxSplits: 1)
    let fraction = parts.count == 2 ? String(parts[1].prefix(6)) : ""
    return (parts.first ?? "") + "." + fraction + String(repeating: "0", count: 6 - fraction.count)
  }
}

/// The manifest of an earlier run, in the form of the artifact.
package struct StateManifest: Sendable {
  private let document: PlainValue
  /// Code of each macro by unique id.
  let macros: [String: String]

  init(_ document: PlainValue) {
    self.document = document
    macros = (document["macros"]?.objectValue ?? [:]).reduce(into: [:]) { all, entry in
      all[entry.key] = entry.value["macro_sql"]?.stringValue ?? ""
    }
  }

  private static let sections = [
    "nodes", "sources", "exposures", "metrics", "semantic_models", "unit_tests", "saved_queries", "functions",
  ]

  /// The entry of a unique id, whatever its type.
  func entry(_ uniqueID: String) -> PlainObject? {
    for section in Self.sections {
      if let found = document[section]?[uniqueID]?.objectValue { return found }
    }
    return nil
  }

  /// The entries of `nodes`, functions left out.
  package var nodes: PlainObject { document["nodes"]?.objectValue ?? [:] }

  /// The entries of `functions`.
  package var functions: PlainObject { document["functions"]?.objectValue ?? [:] }
}
