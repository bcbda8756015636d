import OrderedCollections

/// Rules on time spines.
extension Checker {
  /// There is one time spine a granularity, and one fine enough for every dimension.
  func checkTimeSpines() {
    guard !models.isEmpty, !manifest.timeSpines.isEmpty else { return }
    let spines = OrderedDictionary(grouping: manifest.timeSpines, by: \.granularity)
    checkSpinesAreUnique(spines)
    let granularities = models.lazy.flatMap(\.model.dimensions).compactMap(\.parameters?.granularity)
    guard let finest = granularities.min(), let finestSpine = spines.keys.min() else {
      return warn(
        "No time dimensions configured. To avoid unexpected query errors, configuring a time spine at or below the "
          + "smallest time dimension granularity is recommended.")
    }
    guard finest < finestSpine else { return }
    warn(
      "To avoid unexpected query errors, configuring a time spine at or below the smallest time dimension granularity "
        + "is recommended. Smallest time dimension granularity: \(finest.name); Smallest time spine granularity: "
        + finestSpine.pythonText)
  }

  private func checkSpinesAreUnique(_ spines: OrderedDictionary<TimeGranularity, [SpineModel]>) {
    var seen: Set<TimeGranularity> = []
    var repeated: OrderedSet<TimeGranularity> = []
    for granularity in manifest.timeSpines.map(\.granularity) where !seen.insert(granularity).inserted {
      repeated.append(granularity)
    }
    guard !repeated.isEmpty else { return }
    let entries = Self.pythonSetOrder(Array(repeated)).map { granularity in
      "'\(granularity.name)': " + PythonList.repr((spines[granularity] ?? []).map(\.relation.relationName))
    }
    warn(
      "Only one time spine is supported per granularity. Got duplicates: {\(entries.joined(separator: ", "))}")
  }

  /// The order in which Python walks a set of granularities, which hash to small numbers: their places in a table of
  /// eight, with Python's way around collisions; with five or more, a table in which none collide.
  private static func pythonSetOrder(_ granularities: [TimeGranularity]) -> [TimeGranularity] {
    guard granularities.count < 5 else { return granularities.sorted() }
    var table = [TimeGranularity?](repeating: nil, count: 8)
    for granularity in granularities {
      var place = granularity.size & 7
      while table[place] != nil { place = (place * 5 + 1) & 7 }
      table[place] = granularity
    }
    return table.compactMap(\.self)
  }
}
