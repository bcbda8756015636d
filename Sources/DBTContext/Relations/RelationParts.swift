/// The three parts of a relation's name.
package enum RelationComponent: String, Sendable, CaseIterable {
  case database, schema, identifier
}

/// What a relation is. The raw value is dbt's word.
package enum RelationType: String, Sendable, CaseIterable {
  case table
  case view
  case cte
  case materializedView = "materialized_view"
  case ephemeral
  case external
  case pointerTable = "pointer_table"
  case function
}

/// The parts of a relation's name; nil where a part is not given.
package struct RelationPath: Sendable, Hashable {
  package var database: String?
  package var schema: String?
  package var identifier: String?

  package init(database: String? = nil, schema: String? = nil, identifier: String? = nil) {
    self.database = database
    self.schema = schema
    self.identifier = identifier
  }

  package subscript(component: RelationComponent) -> String? {
    get {
      switch component {
      case .database: database
      case .schema: schema
      case .identifier: identifier
      }
    }
    set {
      switch component {
      case .database: database = newValue
      case .schema: schema = newValue
      case .identifier: identifier = newValue
      }
    }
  }
}

/// A yes or no for each part of a relation's name: whether it is quoted, or whether it is written.
package struct RelationPolicy: Sendable, Hashable {
  package var database: Bool
  package var schema: Bool
  package var identifier: Bool

  package init(database: Bool = true, schema: Bool = true, identifier: Bool = true) {
    self.database = database
    self.schema = schema
    self.identifier = identifier
  }

  package subscript(component: RelationComponent) -> Bool {
    get {
      switch component {
      case .database: database
      case .schema: schema
      case .identifier: identifier
      }
    }
    set {
      switch component {
      case .database: database = newValue
      case .schema: schema = newValue
      case .identifier: identifier = newValue
      }
    }
  }

  /// The policy with the given parts replaced.
  package func replacing(_ parts: [RelationComponent: Bool]) -> RelationPolicy {
    var policy = self
    for (component, value) in parts { policy[component] = value }
    return policy
  }
}

/// Rows of a relation whose time lies in a span; either end may be open.
package struct EventTimeFilter: Sendable, Hashable {
  package var fieldName: String
  /// Included.
  package var start: PythonDateTime?
  /// Not included.
  package var end: PythonDateTime?

  package init(fieldName: String, start: PythonDateTime? = nil, end: PythonDateTime? = nil) {
    self.fieldName = fieldName
    self.start = start
    self.end = end
  }

  /// The condition in SQL; empty when both ends are open.
  var condition: String {
    let parts = [start.map { "\(fieldName) >= '\($0.text)'" }, end.map { "\(fieldName) < '\($0.text)'" }]
    return parts.compactMap { $0 }.joined(separator: " and ")
  }
}
