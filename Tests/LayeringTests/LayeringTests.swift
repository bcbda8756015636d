import Foundation
import Testing

/// The layering of the tree: which of our modules each target may import.
///
/// `Sources/README.md` draws the same picture; the rows stand here so that a broken import breaks the build's tests.
@Suite struct LayeringTests {
  /// Our targets, lowest layer first. A target may import targets of earlier rows only.
  static let rows: [[String]] = [
    ["COpenSSL", "CNghttp2", "CProtobufC", "CPostgres", "CYAML", "CPCRE2", "CCurl", "CZlib", "CLinux", "CTemporalAPI"],
    ["PlainData", "Secrets", "Archives"],
    ["Egress"],
    ["EventLoop"],
    ["Observability"],
    ["TLSClient", "TemporalMessages", "Jinja", "YAMLDocument", "PostgresClient"],
    ["HTTP2Client", "CurlTransfer"],
    ["GRPCClient", "HTTPDownload"],
    ["TemporalClient", "OAuthClient", "WorkflowEngine", "DBTContext", "SemanticManifest"],
    ["DBTProject"],
    ["DBTEngine"],
    ["TemporalWorker", "PostgresWarehouse"],
    ["Worker"],
    ["sallyport"],
  ]

  /// Each C module and the targets that wrap it. `CLinux` is the kernel's interface: any target may use it.
  static let wrappers: [String: Set<String>] = [
    "COpenSSL": ["TLSClient", "Secrets"], "CNghttp2": ["HTTP2Client"], "CProtobufC": ["TemporalMessages"],
    "CTemporalAPI": ["TemporalMessages"], "CPostgres": ["PostgresClient"], "CYAML": ["YAMLDocument"],
    "CPCRE2": ["DBTContext"], "CCurl": ["CurlTransfer"], "CZlib": ["GRPCClient", "Archives"],
  ]

  /// The two sides that meet in `Worker` only.
  static let schedulerSide: Set<String> = [
    "TLSClient", "HTTP2Client", "GRPCClient", "TemporalMessages", "TemporalClient", "WorkflowEngine", "TemporalWorker",
    "OAuthClient", "CurlTransfer", "HTTPDownload", "EventLoop",
  ]
  static let engineSide: Set<String> = [
    "Jinja", "YAMLDocument", "PostgresClient", "SemanticManifest", "DBTContext", "DBTProject", "DBTEngine",
    "PostgresWarehouse",
  ]

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Every `import` of every source file: target, file, module.
  static func imports() throws -> [(target: String, file: String, module: String)] {
    let sources = root.appending(path: "Sources")
    var found: [(target: String, file: String, module: String)] = []
    let files = try #require(FileManager.default.enumerator(atPath: sources.path))
    for case let path as String in files where path.hasSuffix(".swift") {
      let target = String(path.split(separator: "/")[0])
      let text = try String(contentsOf: sources.appending(path: path), encoding: .utf8)
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ").map(String.init)
        guard let mark = words.firstIndex(of: "import"), mark + 1 < words.count,
          words[..<mark].allSatisfy({ $0.hasPrefix("@") || ["package", "internal", "private"].contains($0) })
        else { continue }
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        let name = kinds.contains(words[mark + 1]) && mark + 2 < words.count ? words[mark + 2] : words[mark + 1]
        found.append((target, path, String(name.split(separator: ".")[0])))
      }
    }
    return found
  }

  @Test func importsPointDownwards() throws {
    var level: [String: Int] = [:]
    for (index, row) in Self.rows.enumerated() { for name in row { level[name] = index } }
    let imports = try Self.imports()
    #expect(imports.count > 100, "the scan found hardly any import: is it looking at the right folder?")
    for (target, file, module) in imports {
      guard let theirs = level[module] else { continue }
      let ours = try #require(level[target], "target \(target) has no row in the layering")
      #expect(theirs < ours, "\(file) imports \(module), which is not below \(target)")
    }
  }

  @Test func cModulesStayInTheirWrappers() throws {
    for (target, file, module) in try Self.imports() {
      guard let allowed = Self.wrappers[module] else { continue }
      #expect(allowed.contains(target), "\(file) imports \(module): only \(allowed.sorted()) may")
    }
  }

  @Test func sidesMeetInWorkerOnly() throws {
    for (target, file, module) in try Self.imports() {
      let crosses =
        Self.schedulerSide.contains(target) && Self.engineSide.contains(module)
        || Self.engineSide.contains(target) && Self.schedulerSide.contains(module)
      #expect(!crosses, "\(file) joins the scheduler side and the engine side")
    }
  }

  @Test func onlyChosenLibrariesAreImported() throws {
    let allowed: Set = [
      "Swift", "Synchronization", "_Concurrency", "Glibc", "FoundationEssentials", "Logging", "Metrics",
      "ArgumentParser",
      "OrderedCollections", "DequeModule", "HeapModule", "Dispatch",
    ]
    let ours = Set(Self.rows.joined())
    for (_, file, module) in try Self.imports() {
      #expect(allowed.contains(module) || ours.contains(module), "\(file) imports \(module)")
    }
  }
}
