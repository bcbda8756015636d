/// The kinds of resource that a dbt project holds, with the names dbt gives them in unique ids and artifacts.
package enum ResourceType: String, Sendable, Hashable, CaseIterable {
  case model
  case analysis
  case test
  case snapshot
  case operation
  case seed
  case sqlOperation = "sql_operation"
  case documentation = "doc"
  case source
  case macro
  case exposure
  case metric
  case group
  case savedQuery = "saved_query"
  case semanticModel = "semantic_model"
  case unitTest = "unit_test"
  case fixture
  case function

  /// Whether `ref()` can name resources of this type.
  package var isRefable: Bool { self == .model || self == .seed || self == .snapshot }

  /// The key in property files under which resources of this type are described; nil when there is none.
  package var propertyFileKey: String? {
    switch self {
    case .model: "models"
    case .seed: "seeds"
    case .snapshot: "snapshots"
    case .analysis: "analyses"
    case .source: "sources"
    case .macro: "macros"
    case .test: "data_tests"
    case .exposure: "exposures"
    case .metric: "metrics"
    case .group: "groups"
    case .semanticModel: "semantic_models"
    case .savedQuery: "saved_queries"
    case .unitTest: "unit_tests"
    case .function: "functions"
    case .operation, .sqlOperation, .documentation, .fixture: nil
    }
  }

  /// The section of `dbt_project.yml` that configures resources of this type; as in dbt, operations, analyses and
  /// groups read `models`.
  package var projectSection: String {
    switch self {
    case .seed: "seeds"
    case .snapshot: "snapshots"
    case .source: "sources"
    case .test: "data_tests"
    case .metric: "metrics"
    case .semanticModel: "semantic-models"
    case .savedQuery: "saved-queries"
    case .exposure: "exposures"
    case .unitTest: "unit_tests"
    case .function: "functions"
    default: "models"
    }
  }

  /// The plural of the type as dbt writes it in summaries, such as `analyses` and `data tests`.
  package var plural: String {
    switch self {
    case .analysis: "analyses"
    case .savedQuery: "saved queries"
    case .semanticModel: "semantic models"
    case .test: "data tests"
    case .unitTest: "unit tests"
    case .sqlOperation: "sql operations"
    default: rawValue + "s"
    }
  }

  /// The name of one resource of this type as dbt writes it in summaries: `plural` less its ending.
  package var singular: String {
    switch self {
    case .analysis: "analysis"
    case .savedQuery: "saved query"
    case .test: "data test"
    default: String(plural.dropLast())
    }
  }
}
