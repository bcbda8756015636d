import CLinux
import EventLoop
import Glibc
import OrderedCollections
package import PlainData

/// Tries what must fail, and what must go on, in a process that has restricted itself as a worker, and tells how the kernel
/// answered. It goes around every check of our own on purpose: what is shown is what code could do that had taken
/// the worker over.
package struct ConfinementTrial: Sendable {
  /// Paths to open for reading.
  package var read: [String] = []
  /// Paths of files to make.
  package var write: [String] = []
  /// IPv4 ports of this machine to dial.
  package var connect: [Int] = []
  /// IPv4 ports of this machine to listen on.
  package var listen: [Int] = []

  package init() {}

  /// Each attempt by name, with the error number that it met; 0 for one that went through.
  private typealias Answers = OrderedDictionary<String, Int>

  /// Does everything.
  ///
  /// - Returns: `{"restricted": "…", "shortfalls": […], "answers": {"ptrace": 1, …}}`.
  /// - Throws: when the process may not go on as it is restricted.
  package func run(under restriction: SelfRestriction) async throws -> PlainValue {
    if let refusal = restriction.refusal { throw refusal }
    var answers = Self.calls()
    answers.merge(Self.sockets()) { $1 }
    answers.merge(paths()) { $1 }
    for port in connect { answers["connect \(port)"] = Self.connectCode(port) }
    for port in listen { answers["listen \(port)"] = Self.listenCode(port) }
    // A thread made afterwards is bound as well; that it can be made is part of the answer.
    let onThread = try await BlockingThreads(limit: 1).run { paths() }
    for (name, code) in onThread { answers["thread \(name)"] = code }
    return [
      "restricted": .string(restriction.summary), "shortfalls": .array(restriction.shortfalls.map { .string($0) }),
      "answers": .object(PlainObject(uniqueKeysWithValues: answers.map { ($0.key, .int($0.value)) })),
    ]
  }

  private func paths() -> Answers {
    var answers: Answers = [:]
    for path in read { answers["read \(path)"] = Self.code(unsafe open(path, O_RDONLY | O_CLOEXEC)) }
    for path in write { answers["write \(path)"] = Self.code(unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)) }
    return answers
  }

  /// Calls with arguments that do no harm where they are let through, which then mostly meet another error.
  private static func calls() -> Answers {
    let calls: [(name: String, arguments: (Int, Int, Int, Int))] = [
      ("ptrace", (-1, 0, 0, 0)), ("process_vm_readv", (0, 0, 0, 0)), ("unshare", (0, 0, 0, 0)),
      ("setns", (-1, 0, 0, 0)),
      ("mount", (0, 0, 0, 0)), ("bpf", (-1, 0, 0, 0)), ("perf_event_open", (0, 0, 0, 0)),
      ("io_uring_setup", (0, 0, 0, 0)),
      ("userfaultfd", (-1, 0, 0, 0)), ("keyctl", (-1, 0, 0, 0)), ("add_key", (0, 0, 0, 0)),
      ("memfd_create", (0, 0, 0, 0)),
      ("name_to_handle_at", (-1, 0, 0, 0)), ("setuid", (Int(getuid()), 0, 0, 0)), ("execveat", (-1, 0, 0, 0)),
    ]
    let known = SystemCallFilter.refused + [SystemCallFilter.clone, SystemCallFilter.clone3]
    func number(_ name: String) -> Int? {
      guard let machine = SystemCallFilter.Machine.present else { return nil }
      return known.first { $0.name == name }?.number(on: machine).map(Int.init)
    }
    var answers: Answers = [:]
    for (name, arguments) in calls {
      guard let number = number(name) else { continue }
      answers[name] = code(sly_try_call(number, arguments.0, arguments.1, arguments.2, arguments.3))
    }
    if let clone3 = number("clone3") { answers["clone3"] = code(sly_try_call(clone3, 0, 0, 0, 0)) }
    if let clone = number("clone") {
      // As fork would: the child, where there is one, goes at once.
      let child = sly_try_call(clone, Int(SIGCHLD), 0, 0, 0)
      if child == 0 { _exit(0) }
      if child > 0 { _ = waitpid(Int32(child), nil, 0) }
      answers["fork"] = code(child)
    }
    return answers
  }

  private static func sockets() -> Answers {
    func attempt(_ family: Int32, _ type: Int32, _ transport: Int32 = 0) -> Int {
      code(Glibc.socket(family, type, transport))
    }
    let (stream, datagram, raw) = (Int32(1), Int32(2), Int32(3))
    return [
      "socket packet": attempt(AF_PACKET, raw), "socket raw": attempt(AF_INET, raw, 1),
      "socket multipath": attempt(AF_INET, stream, 262), "socket alg": attempt(38, 5),
      "socket vsock": attempt(40, stream),
      "socket uevent": attempt(AF_NETLINK, raw, 15),
      "socket tcp": attempt(AF_INET, stream), "socket udp6": attempt(AF_INET6, datagram),
      "socket unix": attempt(AF_UNIX, stream), "socket routes": attempt(AF_NETLINK, raw),
    ]
  }

  private static func connectCode(_ port: Int) -> Int {
    let descriptor = Glibc.socket(AF_INET, 1, 0)
    defer { close(descriptor) }
    return unsafe withLoopback(port) { address, size in code(unsafe Glibc.connect(descriptor, address, size)) }
  }

  private static func listenCode(_ port: Int) -> Int {
    let descriptor = Glibc.socket(AF_INET, 1, 0)
    defer { close(descriptor) }
    return unsafe withLoopback(port) { address, size in
      let result = unsafe Glibc.bind(descriptor, address, size)
      return code(result == 0 ? Glibc.listen(descriptor, 1) : result)
    }
  }

  private static func withLoopback(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int) -> Int {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return unsafe withUnsafeBytes(of: &address) { bytes in
      guard let start = bytes.baseAddress else { return Int(EINVAL) }
      return unsafe body(start.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
  }

  /// Becomes `sallyport version` where nothing refuses it; answers the error number where something does.
  package static func execute() -> Int {
    let words = ["sallyport", "version"]
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
    return code(unsafe execv("/proc/self/exe", &pointers))
  }

  /// 0 for what went through, else the error number.
  private static func code(_ result: Int32) -> Int { result < 0 ? Int(errno) : 0 }
  private static func code(_ result: Int) -> Int { result < 0 ? -result : 0 }
}
