import TestSupport
import Testing

@testable import GRPCClient

@Suite("Framing and encodings of gRPC")
struct FramingTests {
  @Test(
    "Timeouts take the finest unit that fits, rounded up",
    arguments: [
      (Duration.nanoseconds(1), "1n"), (.nanoseconds(99_999_999), "99999999n"), (.milliseconds(100), "100000u"),
      (.seconds(30), "30000000u"), (.seconds(99), "99000000u"), (.seconds(100), "100000m"),
      (.nanoseconds(100_000_001), "100001u"), (.seconds(86_400), "86400000m"), (.seconds(864_000), "864000S"),
    ])
  func timeout(_ duration: Duration, _ text: String) {
    #expect(GRPCTimeout.text(duration) == text)
  }

  @Test("A time that is over has no text, one without end the longest")
  func extremeTimeouts() {
    #expect(GRPCTimeout.text(.zero) == nil)
    #expect(GRPCTimeout.text(.seconds(-1)) == nil)
    let text = GRPCTimeout.text(.seconds(Int64.max))
    #expect(text?.utf8.count ?? 99 <= 9)
  }

  @Test("A message survives its frame, in pieces of any size", arguments: [1, 2, 3, 5, 6, 100, 5_000])
  func roundTrip(_ size: Int) throws {
    for message in [[], [7], (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }] {
      var deframer = MessageDeframer(limit: 1_000)
      var rest = MessageFrame.wrap(message)[...]
      while !rest.isEmpty {
        try deframer.append(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      let result = try deframer.finish()
      #expect(result == message)
    }
  }

  @Test("What is not one message within the limit is told apart")
  func faults() {
    func fault(_ bytes: [UInt8]) -> MessageDeframer.Fault? {
      var deframer = MessageDeframer(limit: 100)
      do throws(MessageDeframer.Fault) {
        try deframer.append(bytes)
        _ = try deframer.finish()
        return nil
      } catch {
        return error
      }
    }
    #expect(fault([]) == .missing)
    #expect(fault([0, 0]) == .truncated(received: 2, expected: 5))
    #expect(fault([0, 0, 0, 0, 3, 1]) == .truncated(received: 1, expected: 3))
    #expect(fault([0, 0, 0, 0, 1, 1, 2]) == .extraBytes)
    #expect(fault([1, 0, 0, 0, 0]) == .unnamedEncoding)
    #expect(fault([9, 0, 0, 0, 0]) == .badFlag(9))
    #expect(fault([0, 0, 0, 0, 101]) == .tooLarge(length: 101, limit: 100))
    #expect(fault([0, 255, 255, 255, 255]) == .tooLarge(length: 4_294_967_295, limit: 100))
  }

  @Test(
    "Messages are decoded leniently and made safe for logs",
    arguments: [
      ("plain", "plain"), ("100%25", "100%"), ("%E2%82%AC", "€"), ("bad %zz %4", "bad %zz %4"), ("%", "%"),
      ("a%0Ab", "a\nb"), ("a%1B[31mb%00", "a [31mb "), ("%FF", "\u{FFFD}"),
    ])
  func percent(_ text: String, _ decoded: String) {
    #expect(GRPCText.percentDecoded(text) == decoded)
  }

  @Test("Details come with and without padding")
  func base64() {
    #expect(GRPCText.base64Decoded("aGVsbG8=") == Array("hello".utf8))
    #expect(GRPCText.base64Decoded("aGVsbG8") == Array("hello".utf8))
    #expect(GRPCText.base64Decoded("+/8=") == [0xFB, 0xFF])
    #expect(GRPCText.base64Decoded("") == [])
    for bad in ["a", "a b=", "aGVsbG8===", "a=b=", "é"] { #expect(GRPCText.base64Decoded(bad) == nil, "\(bad)") }
  }

  @Test("Calls with impossible headers are refused before they are sent")
  func requestFaults() {
    func fault(_ path: String, _ metadata: [(name: String, value: String)] = []) -> String? {
      RequestFields.fault(in: GRPCCall(path: path, metadata: metadata, timeout: .seconds(1)))
    }
    #expect(fault("/a.B/C", [("temporal-namespace", "default"), ("x-bin", "AAE")]) == nil)
    for path in ["", "a", "/a b", "/a\n", "/é"] { #expect(fault(path) != nil, "\(path)") }
    for name in ["", "Upper", "te", "content-type", "grpc-timeout", ":path", "a b", "host", "connection"] {
      #expect(fault("/a", [(name, "x")]) != nil, "\(name)")
    }
    #expect(fault("/a", [("x", "line\nbreak")]) != nil)
  }

  @Test("Random bytes from a server neither trap nor hang the machines")
  func randomBytes() {
    var random = SplitMix(seed: 20_261_122)
    for round in 0..<3_000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int(random.next() % 12) {
        let type = UInt8(truncatingIfNeeded: random.next() % 11)
        let payload = (0..<Int(random.next() % 40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        switch random.next() % 4 {
        case 0: bytes += payload
        case 1: bytes += RawFrame.grpcHead(1) + RawFrame.data(1, payload)
        default:
          bytes += RawFrame.frame(
            type, flags: UInt8(truncatingIfNeeded: random.next()), stream: Int32(random.next() % 4), payload)
        }
      }
      TransportExercise.feed(bytes, pieceLength: 1 + round % 97)
    }
  }
}

/// A small generator with a seed, so that a failure repeats (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
