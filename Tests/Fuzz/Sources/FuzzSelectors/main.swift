import CFuzzer
import DBTEngine

// A selection up to the first NUL, an exclusion behind it; also the text of selectors.yml; see `EngineExercise`.

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data else { return 0 }
  let holds = EngineExercise.selectors(Array(UnsafeBufferPointer(start: data, count: size)))
  precondition(holds, "what EngineExercise.selectors looks at does not hold")
  return 0
}
