import CFuzzer
import GRPCClient

// Header blocks: the bytes are HPACK, the first half for the response, the second for the trailers, cut into HEADERS and
// CONTINUATION frames of a length that byte 0 gives.

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data, size >= 1 else { return 0 }
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  let report = TransportExercise.headers(Array(bytes.dropFirst()), pieceLength: 16 + Int(bytes[0]) * 64)
  precondition(report.settled.values.allSatisfy { $0 == 1 }, "a call was settled twice")
  return 0
}
