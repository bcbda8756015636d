import Testing

@testable import Secrets

@Suite struct GenerationGateTests {
  private let a: [UInt8] = [1], b: [UInt8] = [2], c: [UInt8] = [3]

  @Test func theFirstReadingCountsAtOnce() {
    var gate = GenerationGate()
    #expect(gate.offer(a, isAtomic: false, at: .zero) == .ready)
    gate.adopt(a)
    #expect(gate.offer(a, isAtomic: false, at: .seconds(5)) == .unchanged)
    #expect(gate.inUse == a)
  }

  @Test func aSwapCountsAtOnceAndPlainFilesAfterTwoEqualReadings() {
    var gate = GenerationGate()
    gate.adopt(a)
    #expect(gate.offer(b, isAtomic: true, at: .seconds(1)) == .ready)
    #expect(gate.offer(b, isAtomic: false, at: .seconds(2)) == .settling(until: .seconds(3)))
    #expect(gate.offer(b, isAtomic: false, at: .milliseconds(2_900)) == .settling(until: .seconds(3)))
    #expect(gate.offer(b, isAtomic: false, at: .seconds(3)) == .ready)
  }

  @Test func aFileWrittenAfterTheOtherStartsTheWaitAnew() {
    var gate = GenerationGate()
    gate.adopt(a)
    #expect(gate.offer(b, isAtomic: false, at: .seconds(10)) == .settling(until: .seconds(11)))
    #expect(gate.offer(c, isAtomic: false, at: .seconds(11)) == .settling(until: .seconds(12)))
    #expect(gate.offer(b, isAtomic: false, at: .seconds(12)) == .settling(until: .seconds(13)))
    #expect(gate.offer(a, isAtomic: false, at: .seconds(13)) == .unchanged)
    #expect(gate.offer(b, isAtomic: false, at: .seconds(14)) == .settling(until: .seconds(15)))
    gate.unreadable()
    #expect(gate.offer(b, isAtomic: false, at: .seconds(15)) == .settling(until: .seconds(16)))
  }
}
