import CLinux
import DBTContext
import Glibc
import Jinja
import OrderedCollections
import PlainData
import Secrets
import Synchronization

/// What templates asked for when they were rendered for parsing, kept from one load to the next.
///
/// Nothing in it can be out of date: an entry is found by a digest of all that the rendering could see, which is the
/// template's text, its node's name and quoting, every macro, the package's vars, the target and this executable. A
/// template that looks at anything else, such as the environment or the time, is never kept. (One that draws lots, by
/// `random` or `lipsum`, keeps what it drew.)
package final class ParseMemory: Sendable {
  private struct State {
    /// What templates asked for, as documents.
    let known: PlainObject
    /// What this load used or found out: all that the next one needs.
    var used = PlainObject()
    var hits = 0
    var misses = 0
  }

  /// Changes with the shape of the document.
  private static let format = 1
  /// Bytes read at most.
  package static let limit = 256 << 20

  private let state: Mutex<State>

  /// - Parameter bytes: the document of an earlier load; one that cannot be read counts as none.
  package init(_ bytes: [UInt8]? = nil) {
    var known = PlainObject()
    if let bytes, let document = try? PlainValue(json: bytes, limits: JSONLimits(bytes: ParseMemory.limit)),
      document["format"] == .int(ParseMemory.format)
    {
      known = document["templates"]?.objectValue ?? [:]
    }
    state = Mutex(State(known: known))
  }

  /// What a template was found to ask for; nil when that is not known.
  func capture(_ key: String) -> ParseCapture? {
    let entry: PlainValue? = state.withLock { state in
      guard let entry = state.known[key] else {
        state.misses += 1
        return nil
      }
      state.hits += 1
      state.used[key] = entry
      return entry
    }
    return entry.flatMap(ParseCapture.init)
  }

  /// Keeps what a template asked for.
  func keep(_ capture: ParseCapture, _ key: String) {
    let document = capture.document
    state.withLock { $0.used[key] = document }
  }

  /// How many templates were known, and how many were not.
  package var counts: (hits: Int, misses: Int) { state.withLock { ($0.hits, $0.misses) } }

  /// The document for the next load; nil when it would say what the one before said.
  package func document() -> [UInt8]? {
    let (used, isSame) = state.withLock { state in
      (state.used, state.used.count == state.known.count && state.used.keys.allSatisfy { state.known[$0] != nil })
    }
    guard !isSame else { return nil }
    var stream = JSONObjectStream(.compact)
    stream.add("format", .int(ParseMemory.format))
    stream.open("templates")
    for (key, entry) in used { stream.add(key, entry) }
    stream.close()
    return stream.finish()
  }
}

/// Makes the keys of one load.
struct ParseMemoryKeys: Sendable {
  /// For each package the digest of what all its templates can see.
  private let seeds: [String: String]

  /// nil when the executable cannot be examined: then nothing may be kept.
  ///
  /// - Parameter vars: what the nodes of each package see.
  init?(
    invocation: Invocation, registry: MacroRegistry, root: ProjectConfig, profile: TargetProfile,
    vars: [String: PlainObject]
  ) {
    guard let executable = ParseMemoryKeys.executable else { return nil }
    var shared: [UInt8] = Array(executable.utf8)
    func add(_ text: String) {
      shared += Array(String(text.utf8.count).utf8) + [0x20]
      shared += Array(text.utf8)
    }
    for macro in registry.all {
      add(macro.uniqueID)
      add(macro.definition.source)
    }
    add(PlainValue.array(root.dispatch).json())
    add(PlainValue.object(root.quoting).json())
    add(PlainValue.object(profile.contextValues).json())
    add(root.name)
    add(invocation.dbtVersion)
    let digest = SHA256.hex(shared)
    seeds = Dictionary(
      uniqueKeysWithValues: vars.map { package, values in
        (package, SHA256.hex("\(digest) \(package) \(PlainValue.object(values).json())"))
      })
  }

  /// The key of a node's template.
  func key(_ node: Node, _ code: String) -> String? {
    guard let seed = seeds[node.packageName] else { return nil }
    let quoting = (node.config["quoting"] ?? .null).json()
    return SHA256.hex("\(seed) \(node.resourceType.rawValue) \(node.name.utf8.count) \(node.name) \(quoting) \(code)")
  }

  /// What tells this executable from any other: its place, size and time of change.
  private static var executable: String? {
    var status = stat()
    guard unsafe stat("/proc/self/exe", &status) == 0 else { return nil }
    return "\(status.st_dev) \(status.st_ino) \(status.st_size) \(status.st_ctim.tv_sec) \(status.st_ctim.tv_nsec)"
  }
}

extension ParseCapture {
  /// The members of the context that depend on nothing but what `ParseMemoryKeys` digests.
  static let repeatableNames: Set<String> = [
    "ref", "source", "metric", "function", "config", "var", "execute", "return", "target", "adapter", "api", "column",
    "project_name", "dbt_version", "sql", "compiled_code", "store_result", "store_raw_result", "load_result",
    "load_agate_table", "write", "sql_now", "graph", "selected_resources", "defer_relation", "tojson", "fromjson",
    "toyaml", "fromyaml", "set", "set_strict", "zip", "zip_strict", "local_md5",
  ]

  /// What was asked for, as a document.
  var document: PlainValue {
    [
      "refs": .array(refs.map(\.json)), "sources": .array(sources.map(PlainValue.strings)),
      "metrics": .array(metrics.map(PlainValue.strings)), "functions": .array(functions.map(PlainValue.strings)),
      "calls": isConfigured ? .object(calls) : .null, "macros": .strings(macros),
      "written": written.map { .object($0) } ?? .null,
    ]
  }

  /// Reads such a document; nil for anything else.
  convenience init?(_ document: PlainValue) {
    func names(_ key: String) -> [[String]]? {
      guard let lists = document[key]?.arrayValue else { return nil }
      let read = lists.compactMap { list in list.arrayValue?.compactMap(\.stringValue) }
      return read.count == lists.count ? read : nil
    }
    guard let references = document["refs"]?.arrayValue, let sources = names("sources"), let metrics = names("metrics"),
      let functions = names("functions"), let macros = document["macros"]?.arrayValue?.compactMap(\.stringValue),
      let calls = document["calls"]
    else { return nil }
    self.init()
    for entry in references {
      guard let name = entry["name"]?.stringValue, let version = entry["version"] else { return nil }
      refs.append(
        RefArguments(name: name, package: entry["package"]?.stringValue, version: version.isNull ? nil : version))
    }
    self.sources = sources
    self.metrics = metrics
    self.functions = functions
    self.macros = macros
    isConfigured = !calls.isNull
    written = document["written"]?.objectValue
    self.calls = calls.objectValue ?? [:]
  }
}
