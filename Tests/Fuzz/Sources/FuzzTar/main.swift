import Archives
import CFuzzer

// A tar archive, out of its compression; see `TarExercise`.

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data else { return 0 }
  let holds = TarExercise.run(Array(UnsafeBufferPointer(start: data, count: size)))
  precondition(holds, "what TarExercise.run looks at does not hold")
  return 0
}
