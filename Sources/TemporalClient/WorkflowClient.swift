import GRPCClient
import OrderedCollections
package import PlainData
package import TemporalMessages

/// Starts workflows, follows them and reaches into them, in plain data.
package struct WorkflowClient: Sendable {
  /// The calls below.
  package let service: WorkflowService
  /// How values travel.
  package let payloads: PayloadConverter
  /// How failures travel.
  package let failures: FailureConverter

  package init(service: WorkflowService, payloads: PayloadConverter = PayloadConverter()) {
    self.service = service
    self.payloads = payloads
    failures = FailureConverter(payloads: payloads)
  }

  /// Starts a workflow, or finds the running one when the conflict policy says so.
  ///
  /// Throws a `ServiceError` with the detail `workflowExecutionAlreadyStarted` when the id is taken.
  package func start(_ start: WorkflowStart) async throws(ServiceError) -> StartedWorkflow {
    let method = "StartWorkflowExecution"
    var request = StartWorkflowExecutionRequest()
    request.workflowID = start.workflowID
    request.workflowType = .with { $0.name = start.type }
    request.taskQueue = .with { $0.name = start.taskQueue }
    request.requestID = start.requestID ?? ""
    request.workflowIDReusePolicy = start.reusePolicy
    request.workflowIDConflictPolicy = start.conflictPolicy
    request.workflowExecutionTimeout = start.executionTimeout.map(ProtoDuration.init(whole:))
    request.workflowRunTimeout = start.runTimeout.map(ProtoDuration.init(whole:))
    request.workflowTaskTimeout = start.taskTimeout.map(ProtoDuration.init(whole:))
    do throws(PayloadError) {
      request.input = try payloads.payloads(start.input)
      if !start.memo.isEmpty { request.memo = try memo(start.memo) }
      if let summary = start.summary {
        let text = try payloads.payload(.string(summary))
        request.userMetadata = .with { $0.summary = text }
      }
    } catch {
      throw unwritable(method, error)
    }
    if !start.searchAttributes.isEmpty {
      request.searchAttributes = .with { attributes in
        for (name, value) in start.searchAttributes { attributes.indexedFields[name] = payloads.plainPayload(value) }
      }
    }
    let response = try await service.startWorkflowExecution(request)
    return StartedWorkflow(
      execution: .with {
        $0.workflowID = start.workflowID
        $0.runID = response.runID
      }, isNew: response.started)
  }

  /// Asks the current run, or the one that is named, a question. A handler that fails throws with the detail `queryFailed`.
  package func query(
    _ execution: WorkflowExecution, _ name: String, arguments: [PlainValue] = [], options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> PlainValue {
    let method = "QueryWorkflow"
    var query = WorkflowQuery()
    query.queryType = name
    do {
      if !arguments.isEmpty { query.queryArgs = try payloads.payloads(arguments) }
    } catch {
      throw unwritable(method, error)
    }
    var request = QueryWorkflowRequest()
    request.execution = execution
    request.query = query
    let response = try await service.queryWorkflow(request, options: options)
    if let rejected = response.queryRejected {
      throw ServiceError(
        method: method, origin: .outcome, code: .failedPrecondition, message: "the run is \(rejected.status)")
    }
    do {
      return try payloads.values(response.queryResult).first ?? .null
    } catch {
      throw unreadable(method, error)
    }
  }

  /// Sends a signal.
  package func signal(
    _ execution: WorkflowExecution, _ name: String, arguments: [PlainValue] = []
  ) async throws(ServiceError) {
    var request = SignalWorkflowExecutionRequest()
    request.workflowExecution = execution
    request.signalName = name
    do {
      if !arguments.isEmpty { request.input = try payloads.payloads(arguments) }
    } catch {
      throw unwritable("SignalWorkflowExecution", error)
    }
    _ = try await service.signalWorkflowExecution(request)
  }

  /// Asks a run to cancel itself. A run that was asked before is asked no further; that is no error.
  package func cancel(_ execution: WorkflowExecution, reason: String) async throws(ServiceError) {
    var request = RequestCancelWorkflowExecutionRequest()
    request.workflowExecution = execution
    request.reason = reason
    do throws(ServiceError) {
      _ = try await service.requestCancelWorkflowExecution(request)
    } catch  where error.detail == .cancellationAlreadyRequested {
      return
    }
  }

  /// Ends a run by force.
  package func terminate(_ execution: WorkflowExecution, reason: String) async throws(ServiceError) {
    var request = TerminateWorkflowExecutionRequest()
    request.workflowExecution = execution
    request.reason = reason
    _ = try await service.terminateWorkflowExecution(request)
  }

  /// State of a run, with what it waits for.
  package func describe(
    _ execution: WorkflowExecution
  ) async throws(ServiceError) -> DescribeWorkflowExecutionResponse {
    try await service.describeWorkflowExecution(.with { $0.execution = execution })
  }

  private func memo(_ values: PlainObject) throws(PayloadError) -> Memo {
    var memo = Memo()
    for (name, value) in values { memo.fields[name] = try payloads.payload(value) }
    return memo
  }

  func unwritable(_ method: String, _ error: PayloadError) -> ServiceError {
    ServiceError(
      method: method, origin: .request, code: .invalidArgument, message: "a value cannot be sent: \(error)",
      mayHaveReachedServer: false, attempts: 0)
  }

  func unreadable(_ method: String, _ error: PayloadError) -> ServiceError {
    ServiceError(method: method, origin: .response, code: .internal, message: "a value cannot be read: \(error)")
  }
}

/// What a workflow starts with.
package struct WorkflowStart: Sendable {
  /// Unique among the running workflows of the namespace.
  package var workflowID: String
  /// Name of the workflow definition.
  package var type: String
  /// The queue whose workers run it.
  package var taskQueue: String
  /// Arguments.
  package var input: [PlainValue] = []
  /// Fields that describe the run and are not indexed.
  package var memo: PlainObject = [:]
  /// Indexed fields; they pass through no codec.
  package var searchAttributes: PlainObject = [:]
  /// A line for people.
  package var summary: String?
  /// When the id belongs to a closed run. Unset: a new run is allowed.
  package var reusePolicy: WorkflowIdReusePolicy = .unspecified
  /// When the id belongs to a running one. Unset: the start fails.
  package var conflictPolicy: WorkflowIdConflictPolicy = .unspecified
  /// Bound on the whole chain of runs.
  package var executionTimeout: Duration?
  /// Bound on one run.
  package var runTimeout: Duration?
  /// Bound on one workflow task.
  package var taskTimeout: Duration?
  /// Makes repeated starts one. Nil: made anew for each `start`, and kept over its attempts.
  package var requestID: String?

  package init(workflowID: String, type: String, taskQueue: String, input: [PlainValue] = []) {
    self.workflowID = workflowID
    self.type = type
    self.taskQueue = taskQueue
    self.input = input
  }
}

/// A run that was started or found.
package struct StartedWorkflow: Sendable, Equatable {
  /// Workflow and run id.
  package let execution: WorkflowExecution
  /// False when it ran already.
  package let isNew: Bool
}
