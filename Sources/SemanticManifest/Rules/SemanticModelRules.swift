import OrderedCollections

/// Rules on the entities and the windows of a semantic model.
extension Checker {
  /// There is something to query.
  func checkIsNotEmpty() {
    if models.isEmpty { fail("No semantic models present in the model.") }
    let createsMetrics = models.contains { $0.model.measures.contains { $0.createsMetric == true } }
    if manifest.metrics.isEmpty, !createsMetrics { fail("No metrics present in the model.") }
  }

  /// Windows of validity have a start and an end, and go with natural entities only.
  func checkValidityWindows() {
    for index in models {
      let dimensions = index.model.dimensions.filter { $0.parameters?.validity != nil }
      guard !dimensions.isEmpty else { continue }
      checkWindow(of: index.model, dimensions)
      checkWindowKeys(of: index.model)
      guard !index.model.measures.isEmpty else { continue }
      fail(
        "Semantic model \(index.model.name) has both measures and validity param dimensions defined. This is not "
          + "currently supported! Please remove either the measures or the validity params. Measure names: "
          + "\(PythonList.repr(index.model.measures.map(\.name))). Validity param dimension names: "
          + "\(PythonList.repr(dimensions.map(\.name))).")
    }
  }

  private func checkWindow(of model: SemanticModel, _ dimensions: [Dimension]) {
    let requirements =
      "Semantic models using dimension validity params to define a validity window must have exactly two time "
      + "dimensions with validity params specified - one marked `is_start` and the other marked `is_end`."
    let starts = dimensions.count { $0.parameters?.validity?.isStart == true }
    let ends = dimensions.filter { $0.parameters?.validity?.isEnd == true }.map(\.name)
    let names = PythonList.repr(dimensions.map(\.name))
    if dimensions.count == 1, starts == 1, ends.count == 1 {
      fail(
        "Semantic model \(model.name) has a single validity param dimension that defines its window: "
          + "`\(dimensions[0].name)`. This is not a currently supported configuration! \(requirements) If you have one "
          + "column defining a window, as in a daily snapshot table, you can define a separate dimension and increment "
          + "the time value in the `expr` field as a work-around.")
    } else if dimensions.count != 2 {
      fail(
        "Semantic model \(model.name) has \(dimensions.count) dimensions defined with validity params. They are: "
          + "\(names). There must be either zero or two! If you wish to define a validity window for this semantic "
          + "model, please follow these requirements: \(requirements)")
    } else if starts != 1 || ends.count != 1 {
      // MetricFlow empties the names of the starts before it prints them.
      fail(
        "Semantic model \(model.name) has two validity param dimensions defined, but does not have exactly one each "
          + "marked with is_start and is_end! Dimensions: \(names). is_start dimensions: []. is_end dimensions: "
          + "\(PythonList.repr(ends)). \(requirements)")
    }
  }

  private func checkWindowKeys(of model: SemanticModel) {
    let keys = model.entities.filter { $0.type == .primary || $0.type == .unique }
    if !model.entities.contains(where: { $0.type == .natural }) {
      fail(
        "Semantic model \(model.name) has validity param dimensions defined, but does not have an entity with type "
          + "`natural` set. The natural key for this semantic model is what we use to process a validity window join. "
          + "Primary or unique entities, if any, might be suitable for use as natural keys: "
          + "(\(PythonList.repr(keys.map(\.name)))).")
    }
    if !keys.isEmpty {
      fail(
        "Semantic model \(model.name) has validity param dimensions defined and also has one or more entities "
          + "designated as `primary` or `unique`. This is not yet supported, as we do not currently process joins "
          + "against these key types for semantic models with validity windows specified.")
    }
  }

  /// A semantic model has at most one natural entity, with a window of validity.
  func checkNaturalEntities() {
    for index in models {
      let model = index.model
      let names = OrderedSet(model.entities.filter { $0.type == .natural }.map(\.name))
      if names.count > 1 {
        fail(
          "Semantic models can have at most one natural entity, but semantic model `\(model.name)` has \(names.count) "
            + "distinct natural entities set! \(PythonList.setRepr(names)).")
      }
      if !names.isEmpty, !model.dimensions.contains(where: { $0.parameters?.validity != nil }) {
        fail(
          "The use of `natural` entities is currently supported only in conjunction with a validity window defined in "
            + "the set of time dimensions associated with the semantic model. Semantic model `\(model.name)` uses a "
            + "natural entity (\(PythonList.setRepr(names))) but does not define a validity window!")
      }
    }
  }

  /// The time dimension that measures share exists.
  func checkDefaults() {
    for index in models {
      guard let name = index.model.defaults?.timeDimension, !index.timeDimensions.contains(name) else { continue }
      fail(
        "Default aggregation time dimension was specified as '\(name)' which doesn't exist as a time dimension in "
          + "semantic model named '\(index.model.name)'.")
    }
  }

  /// A semantic model with dimensions has one primary entity.
  func checkPrimaryEntities() {
    for index in models {
      let model = index.model
      let primary = model.entities.filter { $0.type == .primary }
      if primary.count > 1 {
        fail(
          "Semantic models can have only one primary entity. The semantic model `\(model.name)` has \(primary.count): "
            + primary.map(\.name).joined(separator: ", "))
      } else if let first = primary.first, let named = model.primaryEntity {
        fail(
          "The semantic model `\(model.name)` has an entity named `\(first.name)` with type primary but it also has "
            + "the `primary_entity` field set to `\(named)`. Both should not be present in the model.")
      } else if primary.isEmpty, model.primaryEntity == nil, !model.dimensions.isEmpty {
        fail(
          "The semantic model \(model.name) contains dimensions, but it does not define a primary entity. Either add "
            + "an entity with type PRIMARY or set a value for the primary_entity key.")
      }
    }
  }
}
