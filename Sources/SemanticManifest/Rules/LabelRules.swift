import OrderedCollections

/// Rules on labels.
extension Checker {
  /// No two metrics have the same label.
  func checkMetricLabels() {
    var owners: [String: String] = [:]
    for metric in manifest.metrics { checkLabel(metric.label, of: "metric", metric.name, &owners) }
  }

  /// No two semantic models have the same label, nor two elements of one.
  func checkSemanticModelLabels() {
    var owners: [String: String] = [:]
    for index in models {
      let model = index.model
      checkLabel(model.label, of: "semantic model", model.name, &owners)
      checkLabels(model.dimensions.compactMap(\.label), "Dimension", "dimensions", of: model.name)
      checkLabels(model.entities.compactMap(\.label), "Entity", "entities", of: model.name)
      checkLabels(model.measures.compactMap(\.label), "Measure", "measures", of: model.name)
    }
  }

  private func checkLabel(_ label: String?, of kind: String, _ name: String, _ owners: inout [String: String]) {
    guard let label else { return }
    guard let owner = owners[label] else {
      owners[label] = name
      return
    }
    fail("Can't use label `\(label)` for  \(kind) `\(name)` as it's already used for \(kind) `\(owner)`")
  }

  private func checkLabels(_ labels: [String], _ kind: String, _ kinds: String, of model: String) {
    var counts: OrderedDictionary<String, Int> = [:]
    for label in labels { counts[label, default: 0] += 1 }
    for (label, count) in counts where count > 1 {
      fail(
        "\(kind) labels must be unique within a semantic model. The label `\(label)` was used for \(count) \(kinds) on "
          + "semantic model `\(model)")
    }
  }

  /// Entities of the same name have the same label.
  func checkEntityLabels() {
    var known: [String: (model: String, label: String)] = [:]
    for index in models {
      for entity in index.model.entities {
        guard let label = entity.label else { continue }
        guard let first = known[entity.name] else {
          known[entity.name] = (index.model.name, label)
          continue
        }
        guard first.label != label else { continue }
        fail(
          "Entities with the same name must have the same label or the label must be `None`. Entity `\(entity.name)` "
            + "on semantic model `\(index.model.name)` has label `\(label)` but the same entity on semantic model "
            + "`\(first.model)`")
      }
    }
  }
}
