import PlainData
import TemporalMessages
import Testing

@testable import TemporalClient

/// Values and failures in their proto form and back.
@Suite struct ConverterTests {
  private let converter = PayloadConverter()

  @Test func valuesAreJSONAndNullHasItsOwnEncoding() throws {
    let value: PlainValue = ["command": "build", "threads": 4, "vars": nil]
    let payload = try converter.payload(value)
    #expect(payload.metadata == ["encoding": Array("json/plain".utf8)])
    #expect(payload.data == Array(#"{"command":"build","threads":4,"vars":null}"#.utf8))
    #expect(try converter.value(payload) == value)
    let null = try converter.payload(.null)
    #expect(null.metadata == ["encoding": Array("binary/null".utf8)])
    #expect(null.data == [])
    #expect(try converter.value(null) == .null)
  }

  @Test func absentPayloadsAreNoValues() throws {
    #expect(try converter.values(nil) == [])
    #expect(try converter.values(converter.payloads([1, nil, "a"])) == [1, nil, "a"])
  }

  @Test func otherEncodingsAreRefusedByName() {
    let encrypted = Payload.with { $0.metadata = ["encoding": Array("binary/encrypted".utf8)] }
    let error = #expect(throws: PayloadError.self) { try converter.value(encrypted) }
    #expect(error?.code == .unknownEncoding("binary/encrypted"))
    #expect(error?.message.contains("codec") == true)
    #expect(throws: PayloadError.self) { try converter.value(Payload()) }
  }

  @Test func brokenJSONIsMalformed() {
    let broken = Payload.with {
      $0.metadata = ["encoding": Array("json/plain".utf8)]
      $0.data = Array("{".utf8)
    }
    let error = #expect(throws: PayloadError.self) { try converter.value(broken) }
    #expect(error?.code == .malformed)
  }

  /// Turns every byte around.
  private struct Flipping: PayloadCodec {
    func encode(_ payloads: [Payload]) throws(PayloadError) -> [Payload] {
      payloads.map { payload in
        .with {
          $0.metadata = ["encoding": Array("test/flipped".utf8), "was": payload.metadata["encoding"] ?? []]
          $0.data = payload.data.map { ~$0 }
        }
      }
    }

    func decode(_ payloads: [Payload]) throws(PayloadError) -> [Payload] {
      payloads.map { payload in
        .with {
          $0.metadata = ["encoding": payload.metadata["was"] ?? []]
          $0.data = payload.data.map { ~$0 }
        }
      }
    }
  }

  @Test func theCodecSeesEveryPayloadButSearchAttributes() throws {
    let converter = PayloadConverter(codec: Flipping())
    let payload = try converter.payload("secret")
    #expect(payload.metadata["encoding"] == Array("test/flipped".utf8))
    #expect(try converter.value(payload) == "secret")
    #expect(try converter.values(converter.payloads(["a", nil])) == ["a", nil])
    #expect(converter.plainPayload("x").metadata["encoding"] == Array("json/plain".utf8))
  }

  @Test func applicationFailuresSurvive() throws {
    let failures = FailureConverter()
    var failure = TemporalFailure.application(
      "relation missing", type: "Database", nonRetryable: true, details: [["sqlstate": "42P01"]],
      cause: .application("inner", type: "Inner"))
    failure.kind = .application(
      TemporalFailure.Application(
        type: "Database", nonRetryable: true, details: [["sqlstate": "42P01"]], nextRetryDelay: .milliseconds(1_500),
        isBenign: true))
    let proto = try failures.proto(failure)
    guard case .applicationFailureInfo(let info)? = proto.failureInfo else {
      Issue.record("the failure lost its kind")
      return
    }
    #expect(
      info.nextRetryDelay
        == .with {
          $0.seconds = 1
          $0.nanos = 500_000_000
        })
    #expect(info.category == .benign)
    #expect(failures.failure(proto) == failure)
    #expect(failure.description == "relation missing: inner")
    #expect(failure.root.message == "inner")
    #expect(failure.application?.type == "Database")
  }

  @Test func otherErrorsBecomeApplicationFailures() throws {
    struct Broken: Error, CustomStringConvertible { var description: String { "it broke" } }
    let failures = FailureConverter()
    #expect(failures.failure(try failures.proto(Broken())) == .application("it broke", type: "Broken"))
    #expect(failures.failure(try failures.proto(CancellationError())).kind == .canceled(details: []))
  }

  @Test func hiddenAttributesAreHiddenAndFound() throws {
    let failures = FailureConverter(payloads: PayloadConverter(codec: Flipping()), hidesAttributes: true)
    let failure = TemporalFailure.application("the secret", type: "T")
    let proto = try failures.proto(failure)
    #expect(proto.message == "Encoded failure")
    #expect(failures.failure(proto).message == "the secret")
    #expect(FailureConverter().failure(proto).message == "Encoded failure")
  }

  @Test func unreadableDetailsDoNotHideTheFailure() {
    let proto = Failure.with { failure in
      failure.message = "m"
      failure.failureInfo = .applicationFailureInfo(.with { $0.details = .with { $0.payloads = [Payload()] } })
    }
    let failure = FailureConverter().failure(proto)
    #expect(failure.message == "m")
    #expect(failure.application?.details.count == 1)
  }

  @Test func activityFailuresKeepTheirCause() {
    let proto = Failure.with { outer in
      outer.message = "Activity task failed"
      outer.failureInfo = .activityFailureInfo(.with { $0.activityID = "3" })
      outer.cause = .with { inner in
        inner.message = "boom"
        inner.failureInfo = .applicationFailureInfo(.with { $0.type = "Boom" })
      }
    }
    let failure = FailureConverter().failure(proto)
    #expect(failure.description == "Activity task failed: boom")
    #expect(failure.application?.type == "Boom")
  }
}
