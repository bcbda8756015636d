import CFuzzer
import DBTEngine

// SQL with blocks in it; see `EngineExercise`.

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data else { return 0 }
  let holds = EngineExercise.blocks(Array(UnsafeBufferPointer(start: data, count: size)))
  precondition(holds, "what EngineExercise.blocks looks at does not hold")
  return 0
}
