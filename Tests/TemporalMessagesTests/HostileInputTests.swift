import Testing

@testable import TemporalMessages

/// Bytes that mean harm end in an error that says why, and in nothing else.
@Suite struct HostileInputTests {
  /// Failures nested by `cause`, `depth` messages in all.
  private func nestedFailures(_ depth: Int) -> [UInt8] {
    // Built back to front, so that each length is known when it is written.
    var reversed: [UInt8] = []
    for _ in 1..<depth {
      var length = reversed.count
      var digits: [UInt8] = []
      repeat {
        digits.append(UInt8(length & 0x7f) | (length > 0x7f ? 0x80 : 0))
        length >>= 7
      } while length > 0
      reversed += digits.reversed()
      reversed.append(0x22)
    }
    return reversed.reversed()
  }

  private func code<Message: WireMessage>(
    _ type: Message.Type, _ wire: [UInt8], _ limits: WireLimits = .standard
  ) -> WireError.Code? {
    do {
      _ = try Message(wire: wire, limits: limits)
      return nil
    } catch {
      return (error as WireError).code
    }
  }

  @Test func aHundredLevelsPassAndOneMoreDoesNot() {
    #expect(code(Failure.self, nestedFailures(100)) == nil)
    #expect(code(Failure.self, nestedFailures(101)) == .limit("depth"))
  }

  @Test(arguments: [5_000, 10_000, 100_000]) func deepNestingDoesNotReachTheStack(depth: Int) {
    #expect(code(Failure.self, nestedFailures(depth)) == .limit("depth"))
  }

  @Test func sizeIsBounded() {
    let limits = WireLimits(wireBytes: 8)
    #expect(code(Payload.self, [0x12, 0x06, 1, 2, 3, 4, 5, 6], limits) == nil)
    #expect(code(Payload.self, [0x12, 0x07, 1, 2, 3, 4, 5, 6, 7], limits) == .limit("wireBytes"))
  }

  @Test func elementsAreCounted() {
    let limits = WireLimits(elements: 10)
    let two: [UInt8] = [0x0a, 0x00]
    #expect(code(Payloads.self, Array(repeating: two, count: 10).flatMap { $0 }, limits) == nil)
    #expect(code(Payloads.self, Array(repeating: two, count: 11).flatMap { $0 }, limits) == .limit("elements"))
    let packed: [UInt8] = [0x0a, 11] + Array(repeating: 1, count: 11)
    #expect(code(WorkflowTaskCompletedMetadata.self, packed, limits) == .limit("elements"))
  }

  @Test func memoryOfTheTreeIsBounded() {
    let wire = (0..<1_000).flatMap { _ in [0x0a, 0x00] as [UInt8] }
    #expect(code(History.self, wire, WireLimits(treeBytes: 32 << 10)) == .limit("treeBytes"))
    #expect(code(History.self, wire) == nil)
  }

  @Test func textMustBeUTF8() {
    let broken: [[UInt8]] = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]]
    for text in broken {
      #expect(code(WorkflowType.self, [0x0a, UInt8(text.count)] + text) == .invalidText)
    }
    #expect(code(WorkflowType.self, [0x0a, 0x03, 0xe2, 0x82, 0xac]) == nil)
  }

  @Test func textInMapsAndListsIsCheckedToo() {
    #expect(code(Payload.self, [0x0a, 0x03, 0x0a, 0x01, 0xff]) == .invalidText)
    #expect(code(RetryPolicy.self, [0x2a, 0x01, 0x00]) == .innerNUL)
  }

  @Test func nulIsRefusedBothWays() {
    #expect(code(WorkflowType.self, [0x0a, 0x03, 0x61, 0x00, 0x62]) == .innerNUL)
    let outgoing = RespondWorkflowTaskCompletedRequest.with {
      $0.commands = [
        .with { $0.attributes = .startTimerCommandAttributes(.with { $0.timerID = "a\0b" }) }
      ]
    }
    do {
      _ = try outgoing.wire()
      Issue.record("a NUL was encoded")
    } catch {
      #expect(error.code == .innerNUL)
      #expect(error.field == "timer_id")
      #expect(error.message == "temporal.api.command.v1.StartTimerCommandAttributes")
    }
  }

  @Test func outgoingDepthIsBounded() {
    var failure = Failure()
    for _ in 0..<99 { failure = Failure.with { [failure] in $0.cause = failure } }
    #expect(throws: Never.self) { try failure.wire() }
    failure = Failure.with { [failure] in $0.cause = failure }
    #expect(throws: WireError.self) { try failure.wire() }
  }

  @Test func unknownEnumNumbersAreKept() throws {
    let negative: [UInt8] = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
    #expect(try Command(wire: negative).commandType == .unrecognized(-1))
    let largest: [UInt8] = [0x08, 0xff, 0xff, 0xff, 0xff, 0x07]
    #expect(try Command(wire: largest).commandType == .unrecognized(.max))
    let known = try Command(wire: [0x08, 0x03])
    #expect(known.commandType == .startTimer)
    #expect(CommandType(rawValue: 15) == .unrecognized(15))
  }

  @Test func unknownFieldsAreSkipped() throws {
    // Field 15 as varint, 64 bits, bytes and 32 bits around field 1.
    let wire: [UInt8] =
      [0x78, 0x01, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x0a, 0x01, 0x61, 0x7a, 0x02, 0xff, 0x00, 0x7d, 1, 2, 3, 4]
    #expect(try WorkflowType(wire: wire) == WorkflowType.with { $0.name = "a" })
  }

  @Test func brokenEncodingIsMalformed() {
    let broken: [[UInt8]] = [
      [0x0a], [0x0a, 0x05, 0x61], [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x0b], [0x0c], [0x0e], [0x0f], [0x00, 0x00],
      [0x80], [0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00], [0x08], [0x09, 1, 2, 3], [0x0d, 1, 2],
      [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [0x08, 0x01],
      [0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    ]
    for wire in broken {
      #expect(code(WorkflowType.self, wire) == .malformed, "\(wire)")
    }
  }

  @Test func everyPrefixEndsInAnErrorOrAValue() throws {
    let wire = try RoundTripTests.completion.wire()
    for count in wire.indices { _ = code(RespondWorkflowTaskCompletedRequest.self, Array(wire[..<count])) }
  }

  @Test func submessagesInPiecesAreRefused() throws {
    let cause = try Failure.with { $0.cause = .with { $0.message = "a" } }.wire()
    #expect(code(Failure.self, cause) == nil)
    #expect(code(Failure.self, cause + cause) == .malformed)
    // Scalars may come twice: the last counts. So may the members of a oneof, as long as they differ.
    #expect(try WorkflowType(wire: [0x0a, 0x01, 0x61, 0x0a, 0x01, 0x62]).name == "b")
    #expect(try Failure(wire: [0x2a, 0x00, 0x32, 0x00]).failureInfo == .timeoutFailureInfo(TimeoutFailureInfo()))
  }

  @Test func errorsHoldNoContents() {
    do {
      _ = try WorkflowType(wire: [0x0a, 0x07] + Array("secret".utf8) + [0xff])
      Issue.record("bad text was decoded")
    } catch {
      #expect(!error.description.contains("secret"))
      #expect(error.description == "text is not UTF-8 in temporal.api.common.v1.WorkflowType, field name, at byte 2")
    }
  }
}
