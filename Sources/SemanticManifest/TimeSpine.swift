/// A model that lists points in time, as its properties describe it.
package struct TimeSpine: Sendable, Equatable {
  /// A granularity that a column of the model defines.
  package struct CustomGranularity: Sendable, Equatable {
    package var name: String
    /// The column; nil when it has the granularity's name.
    package var columnName: String?

    package init(name: String, columnName: String?) {
      self.name = name
      self.columnName = columnName
    }
  }

  /// The alias of the model's relation.
  package var alias: String
  package var schemaName: String
  package var database: String?
  /// The relation as SQL names it; when empty it is made of the three parts above.
  package var relationName: String
  /// The column of standard granularity, and that granularity as the properties spell it.
  package var primaryColumn: String
  package var granularity: String
  package var customGranularities: [CustomGranularity]

  package init(
    alias: String, schemaName: String, database: String?, relationName: String, primaryColumn: String,
    granularity: String, customGranularities: [CustomGranularity] = []
  ) {
    self.alias = alias
    self.schemaName = schemaName
    self.database = database
    self.relationName = relationName
    self.primaryColumn = primaryColumn
    self.granularity = granularity
    self.customGranularities = customGranularities
  }
}
