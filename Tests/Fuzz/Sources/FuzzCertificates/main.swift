import CFuzzer
import TLSClient

// The first byte chooses the wrapping, the rest is a file of certificates or revocation lists; see `TLSFilesExercise`.

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data else { return 0 }
  TLSFilesExercise.certificates(Array(UnsafeBufferPointer(start: data, count: size)))
  return 0
}
