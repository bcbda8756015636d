import EventLoop
import TLSClient
import Testing

@testable import GRPCClient

@Suite("Rotation of credentials")
struct CredentialRotationTests {
  private var rotation = CredentialRotation(rules: RotationRules())

  private func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: 0) + .seconds(seconds) }

  init() {
    rotation.saw([1], isAtomic: true, at: at(0))
    rotation.adoptedFirst([1])
  }

  private mutating func saw(_ content: UInt8, _ seconds: Double, atomic: Bool = true) {
    rotation.saw([content], isAtomic: atomic, at: at(seconds))
  }

  private mutating func step(_ seconds: Double, alive: Int = 1) -> CredentialRotation.Action {
    rotation.step(at: at(seconds), generationsAlive: alive)
  }

  private mutating func end(_ verdict: CredentialRotation.Verdict, _ seconds: Double) -> Bool {
    rotation.ended(verdict, at: at(seconds))
  }

  @Test("Files that swap all at once are tried at once and adopted when the server takes them")
  mutating func adoption() {
    #expect(step(1) == .none)
    saw(2, 2)
    #expect(step(2) == .validate)
    #expect(step(2) == .none, "one trial at a time")
    #expect(end(.accepted, 3))
    #expect(rotation.active == [2])
    #expect(rotation.generation == 2)
    #expect(step(3) == .none)
  }

  @Test("Files written one by one are tried after two equal readings a second apart")
  mutating func settling() {
    saw(2, 2, atomic: false)
    #expect(rotation.needsReading)
    #expect(step(2) == .wait(until: at(3)))
    saw(3, 2.5, atomic: false)
    #expect(step(2.5) == .wait(until: at(3.5)))
    saw(3, 3.6, atomic: false)
    #expect(!rotation.needsReading)
    #expect(step(3.6) == .validate)
  }

  @Test("R4 a certificate whose key comes three seconds later is no fault, and one rotation")
  mutating func slowWriter() {
    saw(2, 0, atomic: false)
    saw(2, 1, atomic: false)
    #expect(step(1) == .validate)
    #expect(!end(.invalid("the key does not belong to the certificate"), 1), "nothing is reported yet")
    #expect(step(1) == .wait(until: at(10)))
    saw(3, 3, atomic: false)
    saw(3, 4, atomic: false)
    #expect(step(4) == .validate)
    #expect(end(.accepted, 4))
    #expect(rotation.generation == 2)
  }

  @Test("A pair that still contradicts itself after ten seconds is reported, once")
  mutating func contradiction() {
    saw(2, 0, atomic: false)
    saw(2, 1, atomic: false)
    #expect(step(1) == .validate)
    #expect(!end(.invalid("mismatch"), 1))
    #expect(step(10) == .validate)
    #expect(end(.invalid("mismatch"), 10))
    #expect(step(11) == .wait(until: at(10 + 60)))
    #expect(step(70) == .validate)
    #expect(!end(.invalid("mismatch"), 70))
    #expect(rotation.active == [1])
  }

  @Test("What was turned down is tried again on a slow timer, and at once when it changes")
  mutating func retries() {
    saw(2, 0)
    #expect(step(0) == .validate)
    #expect(end(.refused("unknown authority"), 0))
    var now = 0.0
    for pause in [30.0, 60, 120, 240, 300, 300] {
      #expect(step(now) == .wait(until: at(now + pause)))
      now += pause
      #expect(step(now) == .validate)
      #expect(!end(.refused("unknown authority"), now), "said once")
    }
    saw(3, now)
    #expect(step(now) == .validate)
    #expect(end(.accepted, now))
  }

  @Test("A server that cannot be reached says nothing about the files: they are tried again soon")
  mutating func unreachable() {
    saw(2, 0)
    var now = 0.0
    for pause in [1.0, 2, 4, 8, 16, 30, 30] {
      #expect(step(now) == .validate)
      _ = end(.unreachable("connection refused"), now)
      #expect(step(now) == .wait(until: at(now + pause)))
      now += pause
    }
  }

  @Test("When the identity in use is refused, what was turned down before is tried at once")
  mutating func activeRefused() {
    saw(2, 0)
    #expect(step(0) == .validate)
    #expect(end(.refused("the server is not trusted"), 0))
    rotation.activeRefused(at: at(5))
    #expect(step(5) == .validate)
  }

  @Test("R5 of many swift changes the last is adopted, with at most two generations alive")
  mutating func manyChanges() {
    saw(2, 0)
    #expect(step(0) == .validate)
    for content in 3...20 { saw(UInt8(content), Double(content) / 10) }
    #expect(end(.accepted, 2))
    #expect(rotation.active == [2])
    #expect(step(2, alive: 2) == .none, "the first generation still has a poll open")
    #expect(step(30, alive: 1) == .validate)
    #expect(end(.accepted, 30))
    #expect(rotation.active == [20])
    #expect(rotation.generation == 3)
  }

  @Test("Files that go back to what is in use need no trial")
  mutating func backAgain() {
    saw(2, 0)
    #expect(step(0) == .validate)
    #expect(end(.invalid("expired"), 0))
    saw(1, 1)
    #expect(step(60) == .none)
    saw(2, 61)
    #expect(step(61) == .validate, "and what was turned down is tried anew when it comes again")
  }
}

@Suite("Ends of certificates")
struct ExpiryWatchTests {
  private static let day: Int64 = 86_400

  private func certificate(_ days: Int64, life: Int64 = 365, kind: CertificateExpiry.Kind = .client)
    -> CertificateExpiry
  {
    CertificateExpiry(
      kind: kind, subject: "CN = worker", notBefore: (days - life) * Self.day, notAfter: days * Self.day)
  }

  @Test("A long-lived certificate is warned of 30, 7 and 1 days before its end and after it, once each")
  func longLived() {
    var watch = ExpiryWatch()
    let certificate = certificate(100)
    func due(_ day: Double) -> [Bool] {
      watch.due([certificate], at: Int64(day * Double(Self.day))).map(\.isUrgent)
    }
    #expect(due(60).isEmpty)
    #expect(due(70.5) == [false])
    #expect(due(71).isEmpty)
    #expect(due(93.5) == [false])
    #expect(due(99.5) == [true])
    #expect(due(99.9).isEmpty)
    #expect(due(100) == [true])
    #expect(due(101).isEmpty)
  }

  @Test("A certificate of an hour is not warned of for its whole life")
  func shortLived() {
    var watch = ExpiryWatch()
    let certificate = CertificateExpiry(kind: .client, subject: "CN = worker", notBefore: 0, notAfter: 3_600)
    func due(_ second: Int64) -> [Bool] { watch.due([certificate], at: second).map(\.isUrgent) }
    #expect(due(0).isEmpty)
    #expect(due(2_300).isEmpty)
    #expect(due(2_400) == [false])
    #expect(due(3_240) == [true])
    #expect(due(3_600) == [true])
  }

  @Test("One that is seen late gives one warning, and a renewed one begins anew")
  func late() {
    var watch = ExpiryWatch()
    #expect(watch.due([certificate(100)], at: 99 * Self.day + 1).map(\.secondsLeft) == [Self.day - 1])
    #expect(watch.due([certificate(200)], at: 99 * Self.day + 2).isEmpty)
    #expect(watch.due([certificate(200)], at: 199 * Self.day + 1).count == 1)
  }

  @Test("The end of this side's own certificate is a fault; an authority's is only said")
  func fault() {
    let certificates = [certificate(5, kind: .authority), certificate(10)]
    #expect(ExpiryWatch.fault(in: certificates, at: 6 * Self.day) == nil)
    #expect(ExpiryWatch.fault(in: certificates, at: 10 * Self.day)?.kind == .client)
  }
}
