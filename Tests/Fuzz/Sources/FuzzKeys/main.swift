import CFuzzer
import TLSClient

// The first byte chooses the form, the rest is a private key or an archive; see `TLSFilesExercise`.

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data else { return 0 }
  TLSFilesExercise.keys(Array(UnsafeBufferPointer(start: data, count: size)))
  return 0
}
