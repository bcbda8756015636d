import DBTContext
import Foundation
import OrderedCollections
import PlainData
import Secrets
import TestSupport
import Testing

@testable import DBTProject

/// A dbt project written into a temporary folder, removed at the end.
final class ProjectFixture {
  let folder: String

  static let profiles = """
    shop:
      target: dev
      outputs:
        dev: {type: postgres, host: localhost, port: 5432, user: u, password: p, dbname: d, schema: an, threads: 2}
    """

  init(_ files: [String: String], profiles: String? = ProjectFixture.profiles) throws {
    folder = NSTemporaryDirectory() + "sallyport-project-\(UUID().uuidString)"
    var all = files
    if let profiles { all["profiles.yml"] = profiles }
    if all["dbt_project.yml"] == nil { all["dbt_project.yml"] = "name: shop\nversion: '1.0'\nprofile: shop\n" }
    for (path, contents) in all {
      let full = folder + "/" + path
      try FileManager.default.createDirectory(
        atPath: (full as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try contents.write(toFile: full, atomically: false, encoding: .utf8)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func load(vars: PlainObject = [:], environment: [String: String] = [:], macros: [String]) throws -> LoadedProject {
    try ProjectFixture.load(folder, vars: vars, environment: environment, macros: macros)
  }

  /// Loads a project of a folder that also holds its profile.
  static func load(
    _ folder: String, vars: PlainObject = [:], environment: [String: String] = [:], macros: [String]
  ) throws -> LoadedProject {
    let invocation = Invocation(
      vars: vars, environment: ProcessEnvironment(values: environment), invocationID: "0",
      startedAt: try #require(PythonDateTime(unixSeconds: 0)), sink: { _ in })
    return try ProjectLoader.load(
      LoadOptions(projectDirectory: folder, macroPackages: macros), invocation: invocation)
  }
}

/// Real dbt, which parses the same project.
enum DBTOracle {
  /// The folders of dbt's own macro packages.
  static let macroPackages: Result<[String], any Error> = Result {
    let script = """
      import os, dbt.include.postgres, dbt.include.global_project
      print(os.path.dirname(dbt.include.postgres.__file__))
      print(os.path.dirname(dbt.include.global_project.__file__))
      """
    return try PythonPeer.run(script).split(separator: "\n").map(String.init)
  }

  /// The manifest that `dbt parse` writes.
  static func manifest(of folder: String, environment: [String: String] = [:]) throws -> PlainValue {
    let script = """
      import json, os, sys, tempfile
      request = json.load(sys.stdin)
      os.environ.update(request["environment"])
      os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
      from dbt.cli.main import dbtRunner
      target = tempfile.mkdtemp()
      out = os.dup(1)
      os.dup2(2, 1)
      result = dbtRunner().invoke(["parse", "--no-partial-parse", "--project-dir", request["folder"], "--profiles-dir",
        request["folder"], "--target-path", target, "--log-path", target])
      sys.stdout.flush()
      os.dup2(out, 1)
      if not result.success:
        sys.exit("dbt parse failed: %s" % result.exception)
      sys.stdout.write(open(target + "/manifest.json").read())
      """
    let request: PlainValue = [
      "folder": .string(folder),
      "environment": .object(
        PlainObject(environment.map { ($0.key, .string($0.value)) }, uniquingKeysWith: { _, last in last })),
    ]
    return try PlainValue(jsonText: try PythonPeer.run(script, input: request.json()))
  }

  /// Loads a manifest document with dbt's own schema class.
  ///
  /// - Returns: how many nodes it saw.
  static func validate(_ manifest: PlainValue) throws -> Int {
    let script = """
      import json, sys
      from dbt.artifacts.schemas.manifest import WritableManifest
      document = json.load(sys.stdin)
      print(len(WritableManifest.upgrade_schema_version(document).nodes))
      """
    return Int(try PythonPeer.run(script, input: manifest.json()).trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
  }
}

/// What differs between two documents, as paths with both values.
enum DocumentDifference {
  static func list(_ ours: PlainValue?, _ theirs: PlainValue?, at path: String = "") -> [String] {
    switch (ours, theirs) {
    case (.object(let left)?, .object(let right)?):
      let keys = OrderedSet(Array(left.keys) + Array(right.keys))
      return keys.flatMap { list(left[$0], right[$0], at: path + "." + $0) }
    case (.array(let left)?, .array(let right)?) where left.count == right.count:
      return zip(left, right).enumerated().flatMap { list($0.element.0, $0.element.1, at: "\(path)[\($0.offset)]") }
    default:
      if ours == theirs { return [] }
      if let ours, let theirs, let left = ours.doubleValue, let right = theirs.doubleValue, left == right { return [] }
      return ["\(path): ours \(ours?.json() ?? "absent") theirs \(theirs?.json() ?? "absent")"]
    }
  }
}
