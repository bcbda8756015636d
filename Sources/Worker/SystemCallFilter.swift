import CLinux
import Glibc

/// The system calls that a worker gives up: a classic BPF program for seccomp(2), made here so that it can be read and tested.
///
/// It names what is refused, not what is admitted: the C libraries may change what they call with any security update, and
/// what a worker must never do stays the same. Refused calls fail with EPERM; `clone3`, whose arguments a filter cannot see,
/// with ENOSYS, upon which the C library makes its threads by `clone`. A call of another architecture ends the process.
struct SystemCallFilter {
  /// What numbers and architecture a program is made for.
  enum Machine: Sendable, CaseIterable {
    case x86, arm

    /// This machine; nil where there is no filter for it.
    static var present: Machine? {
      #if arch(x86_64)
        .x86
      #elseif arch(arm64)
        .arm
      #else
        nil
      #endif
    }

    /// The kernel's mark (AUDIT_ARCH_…).
    var mark: UInt32 { self == .x86 ? 0xC000_003E : 0xC000_00B7 }
  }

  /// A system call with its number on each machine; nil where the machine lacks it.
  struct Call: Sendable {
    let name: String
    let x86: UInt32?
    let arm: UInt32?

    init(_ name: String, _ x86: UInt32?, _ arm: UInt32?) {
      self.name = name
      self.x86 = x86
      self.arm = arm
    }

    func number(on machine: Machine) -> UInt32? { machine == .x86 ? x86 : arm }
  }

  /// Refused whatever their arguments.
  static let refused: [Call] = programs + inspection + mounts + kernel + rights + memory

  /// Starting other programs. Threads are made by `clone`, looked at below.
  private static let programs = [
    Call("execve", 59, 221), Call("execveat", 322, 281), Call("fork", 57, nil), Call("vfork", 58, nil),
  ]
  /// Looking into processes.
  private static let inspection = [
    Call("ptrace", 101, 117), Call("process_vm_readv", 310, 270), Call("process_vm_writev", 311, 271),
    Call("process_madvise", 440, 440), Call("pidfd_getfd", 438, 438), Call("kcmp", 312, 272),
    Call("perf_event_open", 298, 241), Call("lookup_dcookie", 212, 18),
  ]
  /// Changing what the file system looks like.
  private static let mounts = [
    Call("mount", 165, 40), Call("umount2", 166, 39), Call("pivot_root", 155, 41), Call("chroot", 161, 51),
    Call("move_mount", 429, 429), Call("open_tree", 428, 428), Call("fsopen", 430, 430), Call("fsconfig", 431, 431),
    Call("fsmount", 432, 432), Call("fspick", 433, 433), Call("mount_setattr", 442, 442),
    Call("open_tree_attr", 467, 467), Call("swapon", 167, 224), Call("swapoff", 168, 225), Call("quotactl", 179, 60),
    Call("quotactl_fd", 443, 443), Call("name_to_handle_at", 303, 264), Call("open_by_handle_at", 304, 265),
    Call("fanotify_init", 300, 262), Call("fanotify_mark", 301, 263), Call("mknod", 133, nil), Call("mknodat", 259, 33),
  ]
  /// Changing or extending the kernel, and interfaces of it with a long history of faults.
  private static let kernel = [
    Call("bpf", 321, 280), Call("io_uring_setup", 425, 425), Call("io_uring_enter", 426, 426),
    Call("io_uring_register", 427, 427), Call("userfaultfd", 323, 282), Call("init_module", 175, 105),
    Call("finit_module", 313, 273), Call("delete_module", 176, 106), Call("kexec_load", 246, 104),
    Call("kexec_file_load", 320, 294), Call("reboot", 169, 142), Call("acct", 163, 89), Call("syslog", 103, 116),
    Call("vhangup", 153, 58), Call("nfsservctl", 180, 42), Call("settimeofday", 164, 170),
    Call("clock_settime", 227, 112),
    Call("adjtimex", 159, 171), Call("clock_adjtime", 305, 266), Call("sethostname", 170, 161),
    Call("setdomainname", 171, 162), Call("iopl", 172, nil), Call("ioperm", 173, nil), Call("modify_ldt", 154, nil),
    Call("uselib", 134, nil), Call("personality", 135, 92),
  ]
  /// Other rights, other namespaces, the kernel's key ring.
  private static let rights = [
    Call("unshare", 272, 97), Call("setns", 308, 268), Call("keyctl", 250, 219), Call("add_key", 248, 217),
    Call("request_key", 249, 218), Call("setuid", 105, 146), Call("setgid", 106, 144), Call("setreuid", 113, 145),
    Call("setregid", 114, 143), Call("setresuid", 117, 147), Call("setresgid", 119, 149), Call("setgroups", 116, 159),
    Call("setfsuid", 122, 151), Call("setfsgid", 123, 152), Call("capset", 126, 91),
  ]
  /// Files that live in memory only, from which a program could be started or code mapped unseen.
  private static let memory = [Call("memfd_create", 319, 279), Call("memfd_secret", 447, 447)]

  /// Looked at more closely, or answered in another way.
  static let clone3 = Call("clone3", 435, 435)
  static let clone = Call("clone", 56, 220)
  static let socket = Call("socket", 41, 198)
  static let ioctl = Call("ioctl", 16, 29)
  /// Calls that send, with the place of their flags among the arguments.
  static let senders = [
    (Call("sendto", 44, 206), 3), (Call("sendmsg", 46, 211), 2), (Call("sendmmsg", 307, 269), 3),
  ]

  // MARK: The program

  /// How a call is answered, in the filter's words.
  enum Answer {
    static let admit: UInt32 = 0x7FFF_0000
    static let refuse: UInt32 = 0x0005_0000 | UInt32(EPERM)
    static let unknown: UInt32 = 0x0005_0000 | UInt32(ENOSYS)
    static let endProcess: UInt32 = 0x8000_0000
  }

  /// The steps, for the kernel or an interpreter.
  private(set) var steps: [sock_filter] = []

  /// The program for a machine.
  init(for machine: Machine) {
    load(offset: 4)
    skip(1, ifEqual: machine.mark)
    answer(Answer.endProcess)
    load(offset: 0)
    if machine == .x86 {
      // Numbers from here on are the x32 interface's: other numbers for the same calls.
      add(0x35, 0x4000_0000, ifTrue: 0, ifFalse: 1)
      answer(Answer.refuse)
    }
    for call in Self.refused { when(call, machine) { $0.answer(Answer.refuse) } }
    when(Self.clone3, machine) { $0.answer(Answer.unknown) }
    when(Self.clone, machine) { $0.lookAtClone() }
    when(Self.socket, machine) { $0.lookAtSocket() }
    when(Self.ioctl, machine) { $0.lookAtControl() }
    for (call, place) in Self.senders {
      when(call, machine) { filter in
        // Data with the first packet of a connection that `connect` never saw.
        let fastOpen: UInt32 = 0x2000_0000
        filter.load(argument: place)
        filter.add(0x45, fastOpen, ifTrue: 0, ifFalse: 1)
        filter.answer(Answer.refuse)
        filter.answer(Answer.admit)
      }
    }
    answer(Answer.admit)
  }

  /// Threads share the process's identity (CLONE_THREAD); anything else would be another process.
  private mutating func lookAtClone() {
    load(argument: 0)
    add(0x45, 0x0001_0000, ifTrue: 0, ifFalse: 1)
    answer(Answer.admit)
    answer(Answer.refuse)
  }

  /// TCP and UDP, unix sockets, and the routing tables that the resolver asks for; no raw packets, and no protocol besides
  /// TCP that could get around a rule for its ports.
  private mutating func lookAtSocket() {
    load(argument: 0)
    skip(0, ifEqual: UInt32(AF_UNIX), otherwise: 1)
    answer(Answer.admit)
    skip(0, ifEqual: UInt32(AF_NETLINK), otherwise: 4)
    load(argument: 2)
    skip(0, ifEqual: 0, otherwise: 1)  // NETLINK_ROUTE
    answer(Answer.admit)
    answer(Answer.refuse)
    skip(2, ifEqual: UInt32(AF_INET))
    skip(1, ifEqual: UInt32(AF_INET6))
    answer(Answer.refuse)
    load(argument: 1)
    add(0x54, 0xF, ifTrue: 0, ifFalse: 0)  // the type without its flags
    skip(2, ifEqual: 1)  // SOCK_STREAM
    skip(1, ifEqual: 2)  // SOCK_DGRAM
    answer(Answer.refuse)
    load(argument: 2)
    for transport in [0, 6, 17] as [UInt32] {
      skip(0, ifEqual: transport, otherwise: 1)
      answer(Answer.admit)
    }
    answer(Answer.refuse)
  }

  /// Typing into the terminal that started the worker (TIOCSTI, TIOCLINUX).
  private mutating func lookAtControl() {
    load(argument: 1)
    for request in [0x5412, 0x541C] as [UInt32] {
      skip(0, ifEqual: request, otherwise: 1)
      answer(Answer.refuse)
    }
    answer(Answer.admit)
  }

  // MARK: Steps

  private mutating func add(_ code: UInt16, _ value: UInt32, ifTrue: UInt8, ifFalse: UInt8) {
    steps.append(sock_filter(code: code, jt: ifTrue, jf: ifFalse, k: value))
  }

  /// Loads 32 bits of what the kernel knows of the call: its number at 0, the architecture at 4.
  private mutating func load(offset: UInt32) { add(0x20, offset, ifTrue: 0, ifFalse: 0) }

  /// Loads the low half of an argument; the calls looked at take 32 bits only. Both machines are little-endian.
  private mutating func load(argument: Int) { load(offset: 16 + 8 * UInt32(argument)) }

  /// Passes over steps when what was loaded is equal, and over others when it is not.
  private mutating func skip(_ count: UInt8, ifEqual value: UInt32, otherwise: UInt8 = 0) {
    add(0x15, value, ifTrue: count, ifFalse: otherwise)
  }

  private mutating func answer(_ answer: UInt32) { add(0x06, answer, ifTrue: 0, ifFalse: 0) }

  /// Steps for one call; they must end in an answer on every path.
  private mutating func when(_ call: Call, _ machine: Machine, _ body: (inout SystemCallFilter) -> Void) {
    guard let number = call.number(on: machine) else { return }
    let test = steps.count
    skip(0, ifEqual: number)
    body(&self)
    steps[test].jf = UInt8(steps.count - test - 1)
  }

  // MARK: Applying it

  /// Installs the filter for good, in every thread of the process or in this one only. Needs no_new_privs.
  ///
  /// - Returns: 0, or the kernel's error number.
  func apply(toEveryThread isForAll: Bool) -> Int32 {
    let result = unsafe steps.withUnsafeBufferPointer { steps in
      unsafe sly_filter_calls(steps.baseAddress, UInt16(steps.count), isForAll ? 1 : 0)
    }
    return result == 0 ? 0 : result > 0 ? EBUSY : errno
  }
}
