import CFuzzer
import GRPCClient

// The server's side of a connection with three calls open. Byte 0: how many bytes arrive at a time. Byte 1: how many
// entries its SETTINGS have, six bytes each. Then the entries, then whatever it sends. No call may be settled twice, and no
// message may be longer than the limit.

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data, size >= 2 else { return 0 }
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  let settings = bytes.dropFirst(2).prefix(Int(bytes[1] % 10) * 6)
  let report = TransportExercise.feed(
    Array(bytes.dropFirst(2 + settings.count)), settings: Array(settings), pieceLength: 1 + Int(bytes[0]) * 8)
  precondition(report.settled.values.allSatisfy { $0 == 1 }, "a call was settled twice")
  precondition(report.longestMessage <= TransportExercise.messageLimit, "a message over the limit was accepted")
  return 0
}
