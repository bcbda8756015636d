import DBTContext
import OrderedCollections
import PlainData

/// The checks of a microbatch model's configuration.
struct MicrobatchCheck {
  private let node: Node

  init(_ node: Node) { self.node = node }

  /// The model's `begin` in the form that dbt writes, `2024-01-01T00:00:00`; nil for models of another kind.
  ///
  /// - Throws: a parsing error in dbt's words.
  func begin() throws(ProjectError) -> String? {
    guard node.isMicrobatch else { return nil }
    let eventTime = node.config["event_time"] ?? .null
    guard !eventTime.isNull else {
      throw fault("must provide an 'event_time' (string) config that indicates the name of the event time column.")
    }
    guard eventTime.stringValue != nil else {
      throw fault("must provide an 'event_time' config of type string, but got: \(Self.typeName(eventTime)).")
    }
    let begin = try moment(node.config["begin"] ?? .null)
    let sizes: [PlainValue] = ["hour", "day", "month", "year"]
    let size = node.config["batch_size"] ?? .null
    guard sizes.contains(size) else {
      throw fault(
        "must provide a 'batch_size' config that is one of \(PlainValue.array(sizes).pythonText), but got: "
          + "\(size.pythonText).")
    }
    let lookback = node.config["lookback"] ?? .null
    guard lookback.isNull || lookback.intValue != nil || lookback.boolValue != nil else {
      throw fault("must provide the optional 'lookback' config as type int, but got: \(Self.typeName(lookback))).")
    }
    let concurrent = node.config["concurrent_batches"] ?? .null
    guard concurrent.isNull || concurrent.boolValue != nil else {
      throw fault(
        "optional 'concurrent_batches' config must be of type `bool` if specified, but got: "
          + "\(Self.typeName(concurrent))).")
    }
    return begin
  }

  private func moment(_ value: PlainValue) throws(ProjectError) -> String {
    guard !value.isNull else {
      throw fault(
        "must provide a 'begin' (datetime) config that indicates the earliest timestamp the microbatch model should be "
          + "built from.")
    }
    guard let text = value.stringValue else {
      throw fault("must provide a 'begin' config of type datetime, but got: \(Self.typeName(value)).")
    }
    guard let moment = PythonDateTime(isoText: text) else {
      throw fault("must provide a 'begin' config of valid datetime (ISO format), but got: \(text).")
    }
    return moment.isoText()
  }

  private func fault(_ message: String) -> ProjectError {
    ProjectError(.parsing, "Microbatch model '\(node.name)' \(message)")
  }

  /// How Python prints the type of a value.
  static func typeName(_ value: PlainValue) -> String {
    let name =
      switch value {
      case .null: "NoneType"
      case .bool: "bool"
      case .int: "int"
      case .double: "float"
      case .string: "str"
      case .array: "list"
      case .object: "dict"
      }
    return "<class '\(name)'>"
  }
}

extension Node {
  /// Whether a node is a model of the strategy `microbatch`.
  package var isMicrobatch: Bool {
    resourceType == .model && materialized == "incremental" && config["incremental_strategy"] == "microbatch"
  }
}
