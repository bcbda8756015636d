import CFuzzer
import DBTEngine

// The first byte chooses mode and language, the rest is a template; see `EngineExercise`.

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data else { return 0 }
  let holds = EngineExercise.template(Array(UnsafeBufferPointer(start: data, count: size)))
  precondition(holds, "what EngineExercise.template looks at does not hold")
  return 0
}
