import OrderedCollections

/// Rules on dimensions and on the elements of all semantic models together.
extension Checker {
  /// Dimensions of the same name have the same type.
  func checkDimensionsAgree() {
    var known: [String: (type: DimensionType, isPartition: Bool)] = [:]
    for model in models {
      for dimension in model.model.dimensions {
        guard let first = known[dimension.name] else {
          known[dimension.name] = (dimension.type, dimension.isPartition)
          continue
        }
        if first.type != dimension.type {
          fail(
            "In semantic model `\(model.model.name)`, type conflict for dimension `\(dimension.name)` - already in "
              + "model as type `\(first.type.pythonText)` but got `\(dimension.type.pythonText)`")
        }
        if first.isPartition != dimension.isPartition {
          fail(
            "In semantic model `\(model.model.name), conflicting is_partition attribute for dimension "
              + "`DimensionReference(element_name=\(Optional(dimension.name).pythonRepr))` - already in model with "
              + "is_partition as `\(first.isPartition ? "True" : "False")` but got "
              + "`\(dimension.isPartition ? "True" : "False")``")
        }
      }
    }
  }

  /// The kinds of elements, by the names that sort them.
  private enum ElementKind: String {
    case measure, dimension, entity

    var name: String { "SemanticModelElementType.\(rawValue.uppercased())" }
    var repr: String { "<\(name): '\(rawValue)'>" }
  }

  /// A name stands for one kind of element in all semantic models.
  func checkElementsAgree() {
    var kinds: OrderedDictionary<String, [ElementKind: OrderedSet<String>]> = [:]
    for index in models {
      let model = index.model
      func note(_ name: String, _ kind: ElementKind) {
        kinds[name, default: [:]][kind, default: []].append(model.name)
      }
      for measure in model.measures { note(measure.name, .measure) }
      for dimension in model.dimensions { note(dimension.name, .dimension) }
      for entity in model.entities { note(entity.name, .entity) }
    }
    for (name, owners) in kinds where owners.count > 1 {
      let used = owners.keys.sorted { $0.rawValue < $1.rawValue }
      let all = "[" + used.map(\.repr).joined(separator: ", ") + "]"
      for kind in used {
        fail(
          "In semantic models \(PythonList.setRepr(owners[kind] ?? [])), element `\(name)` is of type \(kind.name), "
            + "but it is used as types \(all) across the model.")
      }
    }
  }

  /// Pairs of a primary entity and a dimension are unique.
  func checkPrimaryEntityPairs() {
    var owners: [String: [String: String]] = [:]
    for index in models {
      let model = index.model
      guard let entity = model.primaryEntity ?? model.entities.first(where: { $0.type == .primary })?.name else {
        continue
      }
      // Within the first model of an entity, dimensions are taken as they come.
      let isFirst = owners[entity] == nil
      if isFirst { owners[entity] = [:] }
      for dimension in model.dimensions {
        guard !isFirst, let owner = owners[entity]?[dimension.name] else {
          owners[entity]?[dimension.name] = model.name
          continue
        }
        fail(
          "Duplicate dimension + primary entity pairing detected, dimension + primary entity pairings must be unique. "
            + "Semantic model `\(model.name)` has a primary entity of `\(entity)` and dimension `\(dimension.name)`, "
            + "but this pairing is already in use on semantic model `\(owner)`.")
      }
    }
  }

  /// Time dimensions have a granularity.
  func checkGranularities() {
    for index in models {
      for dimension in index.model.dimensions where dimension.type == .time && dimension.parameters == nil {
        warnOfFuture(
          "In semantic model `\(index.model.name)`, time dimension `\(dimension.name)` must have a time granularity "
            + "set.")
      }
    }
  }
}
