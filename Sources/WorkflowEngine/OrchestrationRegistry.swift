/// The workflow types that a worker can run.
package struct OrchestrationRegistry: Sendable {
  private var factories: [String: @Sendable (OrchestrationStart) -> any Orchestration] = [:]

  package init() {}

  /// Adds a type under its `workflowType`; a second registration of the same name replaces the first.
  package mutating func register<T: Orchestration>(_ type: T.Type) {
    factories[T.workflowType] = { T(start: $0) }
  }

  /// The registered names, sorted.
  package var names: [String] { factories.keys.sorted() }

  /// The initial state of a run.
  package func make(_ start: OrchestrationStart) throws(WorkflowEngineError) -> any Orchestration {
    guard let factory = factories[start.workflowType] else {
      throw .unregisteredWorkflowType(start.workflowType, known: names)
    }
    return factory(start)
  }
}
