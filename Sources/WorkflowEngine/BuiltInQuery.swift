package import PlainData

/// Queries that every workflow answers, whatever its code.
package enum BuiltInQuery {
  /// What the workflow answers to and what it does now, as `temporal.api.sdk.v1.WorkflowMetadata` in its JSON form.
  package static let metadata = "__temporal_workflow_metadata"
  /// What the workflow waits for, as text.
  package static let stackTrace = "__stack_trace"

  package static let names = [stackTrace, metadata]

  /// Full name of the message that `metadata` answers with.
  package static let metadataMessageType = "temporal.api.sdk.v1.WorkflowMetadata"
}

/// A query's answer and how its payload is to be labelled.
package struct QueryAnswer: Sendable, Equatable {
  package var value: PlainValue
  /// Set when the answer is the JSON form of a protocol message.
  package var messageType: String?
}

extension WorkflowRun {
  /// Answers a query from the state after the last processed workflow task.
  package func answer(query name: String, arguments: [PlainValue]) throws(QueryRefusal) -> QueryAnswer {
    guard let state else { throw QueryRefusal("the workflow has not run yet") }
    switch name {
    case BuiltInQuery.metadata:
      return QueryAnswer(value: metadata(of: state), messageType: BuiltInQuery.metadataMessageType)
    case BuiltInQuery.stackTrace:
      let open = openActivities
      let text = open.isEmpty ? "waiting for no activity" : "waiting for activities: " + open.joined(separator: ", ")
      return QueryAnswer(value: .string(text))
    default: return QueryAnswer(value: try state.query(name, arguments: arguments))
    }
  }

  private func metadata(of state: any Orchestration) -> PlainValue {
    let kind = type(of: state)
    func list(_ names: [String]) -> PlainValue { .array(names.map { ["name": .string($0)] }) }
    return [
      "definition": [
        "type": .string(kind.workflowType),
        "queryDefinitions": list(kind.interactions.queries + BuiltInQuery.names),
        "signalDefinitions": list(kind.interactions.signals),
        "updateDefinitions": list(kind.interactions.updates),
      ],
      "currentDetails": .string(state.currentDetails),
    ]
  }
}
