import CLinux
import DBTEngine
import Glibc
import OrderedCollections
import PlainData

/// The folder of one run's artifacts.
struct ArtifactFolder {
  private let path: String
  private let writesLog: Bool

  /// - Throws: `RunnerError` when the id could lead out of the store: it comes from the scheduler.
  init(_ configuration: ArtifactConfiguration, invocationID: String) throws {
    let isPlain = invocationID.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isPlain, (1...64).contains(invocationID.utf8.count) else {
      throw RunnerError.failed(.configuration, "the invocation id is no identifier", details: nil)
    }
    path = configuration.directory + "/" + invocationID
    writesLog = configuration.writesLog
  }

  /// Writes the files; answers `{run_results_path, manifest_path, sources_path, log_path}`, the last two when there are such.
  ///
  /// - Parameter hasSources: whether the freshness of sources was measured.
  func write(
    _ artifacts: Artifacts, _ results: [NodeResult], log: String, hasSources: Bool
  ) throws -> PlainValue {
    try makeFolder()
    let elapsed = results.reduce(0) { $0 + $1.executionTime }
    let runResults = artifacts.runResults(results, elapsed: elapsed).redacted
    var paths: PlainObject = [
      "run_results_path": .string(try write("run_results.json", runResults.jsonBytes(.python))),
      "manifest_path": .string(try write("manifest.json", artifacts.manifest().redacted.jsonBytes(.python))),
    ]
    if hasSources {
      let sources = artifacts.sources(results, elapsed: elapsed).redacted
      paths["sources_path"] = .string(try write("sources.json", sources.jsonBytes(.python)))
    }
    if writesLog {
      guard let text = PlainValue.string(log).redacted.stringValue else { return .object(paths) }
      paths["log_path"] = .string(try write("log.txt", Array(text.utf8)))
    }
    return .object(paths)
  }

  private func makeFolder() throws {
    var folder = ""
    for part in path.split(separator: "/") {
      folder += "/" + part
      guard unsafe mkdir(folder, 0o755) != 0, errno != EEXIST else { continue }
      throw failure("make the folder", folder)
    }
  }

  /// Replaces a file by rename, so that nobody reads half of it; answers its path.
  private func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let target = path + "/" + name
    let draft = target + ".\(UInt64.random(in: 0 ... .max)).part"
    let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw failure("create", draft) }
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { area in
        unsafe Glibc.write(descriptor, area.baseAddress?.advanced(by: done), area.count - done)
      }
      if count < 0 {
        if errno == EINTR { continue }
        let error = failure("write", target)
        close(descriptor)
        _ = unsafe unlink(draft)
        throw error
      }
      done += count
    }
    close(descriptor)
    guard unsafe rename(draft, target) == 0 else { throw failure("replace", target) }
    return target
  }

  private func failure(_ action: String, _ path: String) -> RunnerError {
    .failed(.artifactStore, "cannot \(action) '\(path)': \(unsafe String(cString: strerror(errno)))", details: nil)
  }
}
