import CFuzzer
import GRPCClient

// The body of a response. Byte 0: bit 0 says whether it is announced as gzip, the rest how many bytes arrive at a time. No
// message may be longer than the limit, however small what it inflates from, and the pieces must not matter.

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data, size >= 1 else { return 0 }
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  let body = Array(bytes.dropFirst())
  let isGzip = bytes[0] & 1 == 1
  let length = TransportExercise.framing(body, isGzip: isGzip, pieceLength: 1 + Int(bytes[0] >> 1))
  precondition(length ?? 0 <= TransportExercise.messageLimit, "a message over the limit was accepted")
  precondition(length == TransportExercise.framing(body, isGzip: isGzip, pieceLength: .max), "the pieces matter")
  return 0
}
