import Testing

@testable import GRPCClient

@Suite("Idle timeouts on the way")
struct IdleCutoffTests {
  @Test("P3 two ends after about the same silence show the limit; PINGs then come well before it") func learning() {
    var cutoff = IdleCutoff()
    #expect(cutoff.interval(configured: .seconds(60)) == .seconds(60))
    #expect(cutoff.lost(afterSilence: .seconds(31)) == nil)
    #expect(cutoff.lost(afterSilence: .seconds(30)) == .seconds(30))
    #expect(cutoff.interval(configured: .seconds(60)) == .seconds(18))
    #expect(cutoff.interval(configured: .seconds(15)) == .seconds(15))
    // The same again is nothing new; a shorter one is.
    #expect(cutoff.lost(afterSilence: .seconds(30)) == nil)
    #expect(cutoff.lost(afterSilence: .seconds(12)) == nil)
    #expect(cutoff.lost(afterSilence: .seconds(12)) == .seconds(12))
    // Never more often than servers accept.
    #expect(cutoff.interval(configured: .seconds(60)) == .seconds(10))
  }

  @Test("Ends that differ, and ends of young connections, show nothing") func noise() {
    var cutoff = IdleCutoff()
    for seconds in [30, 10, 40, 3, 40, 1, 1, 1, 20] {
      #expect(cutoff.lost(afterSilence: .seconds(seconds)) == nil)
    }
    #expect(cutoff.limit == nil)
  }
}
