import CFuzzer
import TemporalMessages

// The first two bytes choose the message, the rest is its encoding. What decodes must encode, and decode to the same bytes
// again.

let limits = WireLimits(wireBytes: 1 << 20, elements: 100_000, treeBytes: 32 << 20)

func exercise<Message: WireMessage>(_ type: Message.Type, _ wire: [UInt8]) {
  guard let message = try? Message(wire: wire, limits: limits) else { return }
  do {
    let first = try message.wire()
    let second = try Message(wire: first).wire()
    precondition(first == second, "\(Message.fullName) does not survive")
  } catch {
    preconditionFailure("\(Message.fullName) was decoded and cannot be encoded: \(error)")
  }
}

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
  guard let data, size >= 2 else { return 0 }
  let choice = Int(data[0]) | Int(data[1]) << 8
  let type = MessageCatalog.all[choice % MessageCatalog.all.count]
  exercise(type, Array(UnsafeBufferPointer(start: data + 2, count: size - 2)))
  return 0
}
