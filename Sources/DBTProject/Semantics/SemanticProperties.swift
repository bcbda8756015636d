import OrderedCollections
import PlainData

/// What the properties of a model say of its meaning: whether it is a semantic model or a time spine.
struct SemanticProperties {
  let entry: PropertyEntry

  /// - Throws: a parsing error for a time spine that names columns which are not there.
  func check() throws(ProjectError) {
    if let spine = entry.members["time_spine"], spine.objectValue != nil { try check(spine) }
  }

  private func check(_ spine: PlainValue) throws(ProjectError) {
    let latest = entry.members["latest_version"] ?? .null
    let columns =
      latest.isTruthy
      ? try VersionPatcher.columns(entry, version: latest) : entry.members["columns"]?.arrayValue ?? []
    let names = columns.map { $0["name"] ?? .null }
    let list = PlainValue.array(names).pythonText
    let standard = spine["standard_granularity_column"] ?? .null
    guard let place = names.lastIndex(of: standard) else {
      throw fault(
        "Time spine standard granularity column must be defined on the model. Got invalid column name "
          + "'\(standard.pythonText)' for model '\(entry.name)'. Valid names\(latest.isTruthy ? " for latest version" : ""): "
          + "\(list).")
    }
    guard columns[place]["granularity"]?.isTruthy ?? false else {
      throw fault(
        "Time spine standard granularity column must have a granularity defined. Please add one for column "
          + "'\(standard.pythonText)' in model '\(entry.name)'.")
    }
    let custom = (spine["custom_granularities"]?.arrayValue ?? []).map { granularity in
      let column = granularity["column_name"] ?? .null
      return column.isTruthy ? column : granularity["name"] ?? .null
    }
    let missing = custom.filter { !names.contains($0) }
    guard missing.isEmpty else {
      throw fault(
        "Time spine custom granularity columns do not exist in the model. Columns not found: "
          + "\(PlainValue.array(missing).pythonText); Available columns: \(list)")
    }
  }

  private func fault(_ message: String) -> ProjectError {
    ProjectError(.parsing, message)
  }
}
