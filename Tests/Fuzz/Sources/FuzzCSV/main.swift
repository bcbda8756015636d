import CFuzzer
import DBTEngine

// The first byte chooses the delimiter, the rest is a seed file; see `EngineExercise`.

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data else { return 0 }
  let holds = EngineExercise.csv(Array(UnsafeBufferPointer(start: data, count: size)))
  precondition(holds, "what EngineExercise.csv looks at does not hold")
  return 0
}
