import Foundation
import OrderedCollections
import PlainData
import TestSupport
import Testing

@testable import SemanticManifest

/// Reads, checks and converts some hundred semantic manifests with MetricFlow's own packages and with ours. Same
/// documents, same messages, or errors of the same class; what cannot be the same is listed in `Differential/oracle.py`.
/// `SALLYPORT_DIFFERENTIAL=all` takes more random mutants; `SALLYPORT_DIFFERENTIAL_REPORT` names a file for every
/// difference.
@Suite struct DifferentialTests {
  @Test func saysWhatMetricFlowSays() throws {
    let full = ProcessInfo.processInfo.environment["SALLYPORT_DIFFERENTIAL"] == "all"
    let cases = try Self.cases(seed: full ? 7 : 1, mutants: full ? 6000 : 150)
    var failures: [String] = []
    var counts: OrderedDictionary<String, Int> = ["refused": 0, "messages": 0, "OSI documents": 0, "OSI errors": 0]
    for item in cases {
      let ours = Self.answer(item["input"] ?? .null)
      counts["refused", default: 0] += item["refused"] == nil ? 0 : 1
      counts["messages", default: 0] += item["issues"]?.arrayValue?.count ?? 0
      counts["OSI documents", default: 0] += item["osi"] == nil ? 0 : 1
      counts["OSI errors", default: 0] += item["osi_error"] == nil ? 0 : 1
      failures += Self.differences(item, ours)
    }
    let words = counts.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    print("differential: \(cases.count) semantic manifests (\(words)), \(failures.count) differences")
    if let path = ProcessInfo.processInfo.environment["SALLYPORT_DIFFERENTIAL_REPORT"] {
      try failures.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    }
    #expect(failures.isEmpty, "\(failures.count) differences:\n\(failures.prefix(40).joined(separator: "\n"))")
    #expect(cases.count > 850)
  }

  // MARK: Theirs

  private static func cases(seed: Int, mutants: Int) throws -> [PlainValue] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Differential").path
    let script = """
      import sys
      sys.dont_write_bytecode = True
      sys.path.insert(0, \(PlainValue.string(folder).json()))
      sys.argv[1:] = ["\(seed)", "\(mutants)"]
      import oracle
      oracle.main()
      """
    return try PythonPeer.run(script).split(separator: "\n").map { try PlainValue(jsonText: String($0)) }
  }

  // MARK: Ours

  private static func answer(_ input: PlainValue) -> PlainObject {
    let manifest: SemanticManifest
    do {
      manifest = try SemanticManifest(
        semanticModels: input["semantic_models"]?.arrayValue ?? [], metrics: input["metrics"]?.arrayValue ?? [],
        savedQueries: input["saved_queries"]?.arrayValue ?? [],
        timeSpines: (input["time_spines"]?.arrayValue ?? []).map(spine), formerTimeSpine: input["former"]?.stringValue)
    } catch {
      return ["refused": .string("\(error)")]
    }
    var answer: PlainObject = ["document": .string(manifest.document.json(.python))]
    answer["issues"] = .array(
      manifest.issues().map { .array([.string($0.level.rawValue), .string($0.message)]) })
    do {
      let converted = try manifest.openSemanticDocument()
      answer["osi"] = .string(converted.document.json(.python))
      answer["osi_issues"] = .array(
        converted.issues.map { .array([.string($0.kind.rawValue), .string($0.element)]) })
    } catch {
      answer["osi_error"] = [
        "class": .string(error.type), "message": .string(error.message), "caught": .bool(error.kind == .notGenerated),
      ]
    }
    return answer
  }

  private static func spine(_ given: PlainValue) -> TimeSpine {
    let text = { (name: String) in given[name]?.stringValue ?? "" }
    return TimeSpine(
      alias: text("alias"), schemaName: text("schema_name"), database: given["database"]?.stringValue,
      relationName: text("relation_name"), primaryColumn: text("primary_column"), granularity: text("granularity"),
      customGranularities: (given["custom_granularities"]?.arrayValue ?? []).map { pair in
        let parts = pair.arrayValue ?? []
        return TimeSpine.CustomGranularity(name: parts[0].stringValue ?? "", columnName: parts[1].stringValue)
      })
  }

  // MARK: Comparison

  private static func differences(_ theirs: PlainValue, _ ours: PlainObject) -> [String] {
    let name = theirs["name"]?.stringValue ?? ""
    guard theirs["refused"] == nil, ours["refused"] == nil else {
      guard (theirs["refused"] == nil) != (ours["refused"] == nil) else { return [] }
      let input = theirs["input"]?.json() ?? ""
      return ["\(name): refused by them \(text(theirs["refused"])), by us \(text(ours["refused"]))\n  \(input)"]
    }
    var found: [String] = []
    for part in ["document", "osi", "osi_issues"] where theirs[part] != ours[part] {
      found.append("\(name): \(part)\n  them \(text(theirs[part]))\n  us   \(text(ours[part]))")
    }
    let issues = (messages(theirs["issues"]), messages(ours["issues"]))
    if issues.0 != issues.1 {
      let (missing, added) = (issues.0.filter { !issues.1.contains($0) }, issues.1.filter { !issues.0.contains($0) })
      found.append(
        "\(name): issues\n  them \(missing)\n  us   \(added)"
          + (missing.isEmpty && added.isEmpty ? "\n  in another order: \(issues)" : ""))
    }
    if !isSameError(theirs["osi_error"], ours["osi_error"]) {
      found.append("\(name): OSI error\n  them \(text(theirs["osi_error"]))\n  us   \(text(ours["osi_error"]))")
    }
    return found
  }

  private static func text(_ value: PlainValue?) -> String { value?.stringValue ?? value?.json() ?? "none" }

  /// Levels and messages, with sets of texts in order.
  private static func messages(_ issues: PlainValue?) -> [String] {
    (issues?.arrayValue ?? []).map { issue in
      let text = (issue.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ": ")
      return text.replacing(/\{('[^']*'(?:, '[^']*')*)\}/) { match in
        "{" + match.output.1.split(separator: ", ").sorted().joined(separator: ", ") + "}"
      }
    }
  }

  private static func isSameError(_ theirs: PlainValue?, _ ours: PlainValue?) -> Bool {
    guard let theirs, let ours else { return theirs == nil && ours == nil }
    if theirs["class"] == "RecursionError" { return ours["caught"] == true }
    guard theirs["class"] == ours["class"], theirs["caught"] == ours["caught"] else { return false }
    return theirs["caught"] == false || theirs["message"] == ours["message"]
  }
}
