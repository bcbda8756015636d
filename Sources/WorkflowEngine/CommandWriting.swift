import OrderedCollections
import PlainData
package import TemporalMessages

extension WorkflowRun.Activation {
  /// The protocol's commands.
  ///
  /// - Parameter taskQueue: where activities go whose order names no queue.
  package func protocolCommands(taskQueue: String) -> [Command] {
    commands.map { $0.protocolCommand(taskQueue: taskQueue) }
  }

  /// The protocol messages that go along: how each update was answered.
  package func protocolMessages() throws(WorkflowEngineError) -> [ProtocolMessage] {
    var messages: [ProtocolMessage] = []
    for (call, failure) in rejections {
      messages.append(
        try call.message(
          "reject",
          UpdateRejection.with {
            $0.rejectedRequestMessageID = call.messageID
            $0.rejectedRequestSequencingEventID = call.sequencingID
            $0.rejectedRequest = call.request
            $0.failure = Failure(failure)
          }))
    }
    for command in commands {
      switch command {
      case .acceptUpdate(let call):
        messages.append(
          try call.message(
            "accept",
            UpdateAcceptance.with {
              $0.acceptedRequestMessageID = call.messageID
              $0.acceptedRequestSequencingEventID = call.sequencingID
              $0.acceptedRequest = call.request
            }))
      case .completeUpdate(let call, let result):
        messages.append(
          try call.message(
            "complete",
            UpdateResponse.with {
              $0.meta = .with {
                $0.updateID = call.updateID
                $0.identity = call.identity
              }
              $0.outcome = .with { $0.value = .success(Payloads(plain: [result])) }
            }))
      default: break
      }
    }
    return messages
  }
}

extension UpdateCall {
  fileprivate func message<Body: WireMessage>(_ step: String, _ body: Body) throws(WorkflowEngineError)
    -> ProtocolMessage
  {
    do {
      let packed = try ProtoAny(packing: body)
      return ProtocolMessage.with {
        $0.id = messageID + "/" + step
        $0.protocolInstanceID = updateID
        $0.body = packed
      }
    } catch {
      throw .invalidCommand("the answer to update '\(updateID)' cannot be written: \(error)")
    }
  }
}

extension EmittedCommand {
  func protocolCommand(taskQueue: String) -> Command {
    switch self {
    case .scheduleActivity(let order): return order.command(taskQueue: taskQueue)
    case .requestCancelActivity(_, let scheduledID):
      return command(
        .requestCancelActivityTask,
        .requestCancelActivityTaskCommandAttributes(.with { $0.scheduledEventID = scheduledID }))
    case .startTimer(let id, let delay):
      let attributes = StartTimerCommandAttributes.with {
        $0.timerID = id
        $0.startToFireTimeout = ProtoDuration(delay)
      }
      return command(.startTimer, .startTimerCommandAttributes(attributes))
    case .cancelTimer(let id):
      return command(.cancelTimer, .cancelTimerCommandAttributes(.with { $0.timerID = id }))
    case .upsertMemo(let fields):
      let memo = Memo.with { memo in for (key, value) in fields { memo.fields[key] = Payload(plain: value) } }
      return command(
        .modifyWorkflowProperties, .modifyWorkflowPropertiesCommandAttributes(.with { $0.upsertedMemo = memo }))
    case .acceptUpdate(let call): return protocolMessage(call.messageID + "/accept")
    case .completeUpdate(let call, _): return protocolMessage(call.messageID + "/complete")
    case .complete(let result):
      return command(
        .completeWorkflowExecution,
        .completeWorkflowExecutionCommandAttributes(.with { $0.result = Payloads(plain: [result]) }))
    case .fail(let failure):
      return command(
        .failWorkflowExecution, .failWorkflowExecutionCommandAttributes(.with { $0.failure = Failure(failure) }))
    case .cancel(let details):
      return command(
        .cancelWorkflowExecution,
        .cancelWorkflowExecutionCommandAttributes(.with { $0.details = Payloads(plain: [details]) }))
    }
  }

  private func command(_ type: CommandType, _ attributes: Command.Attributes) -> Command {
    Command.with {
      $0.commandType = type
      $0.attributes = attributes
    }
  }

  private func protocolMessage(_ id: String) -> Command {
    command(.protocolMessage, .protocolMessageCommandAttributes(.with { $0.messageID = id }))
  }
}

extension ActivityOrder {
  fileprivate func command(taskQueue queue: String) -> Command {
    let attributes = ScheduleActivityTaskCommandAttributes.with {
      $0.activityID = id
      $0.activityType = .with { $0.name = type }
      $0.taskQueue = .with {
        $0.name = taskQueue ?? queue
        $0.kind = .normal
      }
      $0.input = Payloads(plain: arguments)
      $0.startToCloseTimeout = startToClose.map { ProtoDuration($0) }
      $0.scheduleToCloseTimeout = scheduleToClose.map { ProtoDuration($0) }
      $0.scheduleToStartTimeout = scheduleToStart.map { ProtoDuration($0) }
      $0.heartbeatTimeout = heartbeat.map { ProtoDuration($0) }
      $0.retryPolicy = retry?.message
    }
    return Command.with {
      $0.commandType = .scheduleActivityTask
      $0.attributes = .scheduleActivityTaskCommandAttributes(attributes)
      if let summary { $0.userMetadata = .with { $0.summary = Payload(plain: .string(summary)) } }
    }
  }
}

extension ActivityRetry {
  fileprivate var message: RetryPolicy {
    RetryPolicy.with {
      $0.initialInterval = ProtoDuration(initialInterval)
      $0.backoffCoefficient = backoffCoefficient
      $0.maximumInterval = ProtoDuration(maximumInterval)
      $0.maximumAttempts = Int32(clamping: maximumAttempts)
      $0.nonRetryableErrorTypes = nonRetryableTypes
    }
  }
}
