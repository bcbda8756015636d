import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// Turns the calls of a Python model into what a template's rendering would have asked for.
struct PythonCalls {
  private let model: PythonModel
  private let node: Node

  init(_ model: PythonModel, _ node: Node) {
    self.model = model
    self.node = node
  }

  /// - Throws: a parsing error in dbt's words for calls with wrong arguments.
  func keep(in capture: ParseCapture) throws(ProjectError) {
    // What the macros that compile the model read, as dbt passes it on.
    var asked: OrderedDictionary<String, (keys: [PlainValue], defaults: [PlainValue])> = [:]
    for call in model.calls {
      do {
        let arguments = Arguments(call.positional, keywords: call.keywords)
        switch call.function {
        case "ref": capture.refs.append(try ReferenceCall.ref(arguments, node: node))
        case "source": capture.sources.append(try ReferenceCall.source(arguments, node: node))
        case "config": try configure(arguments, capture)
        default:
          let (key, value) = try question(call)
          let kind = call.function == "get" ? "config" : "meta"
          asked[kind, default: ([], [])].keys.append(key)
          asked[kind, default: ([], [])].defaults.append(value)
        }
      } catch let error as ProjectError {
        throw error
      } catch {
        throw ProjectError(.parsing, DBTError(error, node: nil).message)
      }
    }
    guard !asked.isEmpty else { return }
    var settings = PlainObject()
    for kind in ["config", "meta"] {
      settings["\(kind)_keys_used"] = .array(asked[kind]?.keys ?? [])
      settings["\(kind)_keys_defaults"] = .array(asked[kind]?.defaults ?? [])
    }
    try merge(settings, capture)
  }

  private func configure(_ arguments: Arguments, _ capture: ParseCapture) throws {
    var settings = PlainObject()
    for (name, value) in try arguments.positional.first?.plain().objectValue ?? [:] { settings[name] = value }
    for (name, value) in arguments.keywords { settings[name] = try value.plain() }
    try merge(settings, capture)
  }

  private func merge(_ settings: PlainObject, _ capture: ParseCapture) throws(ProjectError) {
    capture.isConfigured = true
    try ConfigMerger.merge(call: settings, into: &capture.calls)
  }

  private func question(_ call: PythonModel.Call) throws -> (PlainValue, PlainValue) {
    let name = call.function == "get" ? "dbt.config.get()" : "dbt.config.meta_get()"
    guard let key = call.positional.first else {
      throw ProjectError(.parsing, "\(name) requires at least one argument")
    }
    guard call.positional.count <= 2 else {
      throw ProjectError(.parsing, "\(name) takes at most 2 arguments (\(call.positional.count) given)")
    }
    return (try key.plain(), try call.positional.count == 2 ? call.positional[1].plain() : .null)
  }
}
