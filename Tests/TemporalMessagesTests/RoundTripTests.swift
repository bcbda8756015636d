import Testing

@testable import TemporalMessages

/// Values survive encoding and decoding.
@Suite struct RoundTripTests {
  /// A completion of a workflow task with the kinds of field that matter: maps, oneofs, lists, nested failures.
  static let completion = RespondWorkflowTaskCompletedRequest.with { request in
    request.taskToken = [0, 1, 2, 255]
    request.identity = "worker@gate"
    request.namespace = "default"
    request.returnNewWorkflowTask = true
    request.stickyAttributes = .with {
      $0.workerTaskQueue = .with {
        $0.name = "sticky"
        $0.kind = .sticky
        $0.normalName = "dbt-tasks"
      }
      $0.scheduleToStartTimeout = .with { $0.seconds = 10 }
    }
    request.commands = [
      .with { command in
        command.commandType = .scheduleActivityTask
        command.attributes = .scheduleActivityTaskCommandAttributes(
          .with {
            $0.activityID = "1"
            $0.activityType = .with { $0.name = "execute_node" }
            $0.input = .with { $0.payloads = [RoundTripTests.payload] }
            $0.retryPolicy = .with {
              $0.backoffCoefficient = 2.5
              $0.nonRetryableErrorTypes = ["Compilation", "Ünïcode"]
            }
          })
      },
      .with { command in
        command.commandType = .failWorkflowExecution
        command.attributes = .failWorkflowExecutionCommandAttributes(.with { $0.failure = RoundTripTests.failure })
      },
    ]
    request.queryResults = [
      "b": .with {
        $0.resultType = .answered
        $0.answer = .with { $0.payloads = [RoundTripTests.payload] }
      },
      "a": .with {
        $0.resultType = .unrecognized(-7)
        $0.errorMessage = "no"
      },
    ]
    request.sdkMetadata = .with { $0.langUsedFlags = [1, 300, 4_000_000_000] }
  }

  static let payload = Payload.with {
    $0.metadata = ["encoding": Array("json/plain".utf8), "z": [], "a": [0, 255]]
    $0.data = Array(#"{"command":"build"}"#.utf8)
  }

  static let failure = Failure.with { outer in
    outer.message = "activity failed"
    outer.failureInfo = .activityFailureInfo(
      .with {
        $0.scheduledEventID = 5
        $0.retryState = .maximumAttemptsReached
      })
    outer.cause = .with { inner in
      inner.message = "relation \"x\" does not exist"
      inner.failureInfo = .applicationFailureInfo(
        .with {
          $0.type = "Database"
          $0.nonRetryable = true
          $0.details = .with { $0.payloads = [RoundTripTests.payload] }
        })
    }
  }

  @Test func completionSurvives() throws {
    let wire = try Self.completion.wire()
    let back = try RespondWorkflowTaskCompletedRequest(wire: wire)
    #expect(back == Self.completion)
    #expect(back.queryResults["a"]?.resultType == .unrecognized(-7))
  }

  @Test func equalValuesGiveEqualBytes() throws {
    var other = RespondWorkflowTaskCompletedRequest()
    other.queryResults = [:]
    for key in ["k9", "k1", "k5", "k3"] { other.queryResults[key] = WorkflowQueryResult() }
    var shuffled = RespondWorkflowTaskCompletedRequest()
    for key in ["k3", "k5", "k9", "k1"] { shuffled.queryResults[key] = WorkflowQueryResult() }
    #expect(try other.wire() == shuffled.wire())
  }

  @Test func emptyBytesAreTheDefaultMessage() throws {
    #expect(try PollWorkflowTaskQueueResponse(wire: []) == PollWorkflowTaskQueueResponse())
    #expect(try PollWorkflowTaskQueueResponse().wire() == [])
  }

  @Test func causeChainKeepsItsOrder() throws {
    let back = try Failure(wire: Self.failure.wire())
    #expect(back.cause?.message == "relation \"x\" does not exist")
    guard case .applicationFailureInfo(let info)? = back.cause?.failureInfo else {
      Issue.record("the cause lost its kind")
      return
    }
    #expect(info.type == "Database")
  }

  @Test func scalarMembersOfAOneofKeepZero() throws {
    let message = ProtocolMessage.with { $0.sequencingID = .eventID(0) }
    #expect(try ProtocolMessage(wire: message.wire()).sequencingID == .eventID(0))
  }

  @Test func anyCarriesItsType() throws {
    let any = try ProtoAny(packing: UpdateAcceptance.with { $0.acceptedRequestMessageID = "u/request" })
    #expect(any.typeURL == "type.googleapis.com/temporal.api.update.v1.Acceptance")
    let back: UpdateAcceptance = try any.unpacked()
    #expect(back.acceptedRequestMessageID == "u/request")
    #expect(throws: WireError.self) { try any.unpacked(as: UpdateRejection.self) }
  }
}
