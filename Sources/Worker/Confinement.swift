import CLinux
import Glibc
import Observability
import OrderedCollections
import PlainData

/// How far this process is shut in: what a pod's security settings came to.
struct Confinement: Sendable, Hashable {
  /// Who it runs as.
  var user: UInt32, group: UInt32
  /// The capabilities that it has now, as the kernel's bits; nil when unknown.
  var capabilities: UInt64?
  /// Whether it can never gain rights again; nil when unknown.
  var hasNoNewPrivileges: Bool?
  /// 0 none, 1 strict, 2 a filter; nil when unknown.
  var seccomp: Int?
  /// Whether the root file system can be written to.
  var canWriteRoot: Bool
  /// Mounted folders that it may write to.
  var writable: [String]
  /// The limit of a core dump in bytes; nil: none.
  var coreLimit: UInt64?
  /// Whether a debugger of the same user could look inside.
  var isDumpable: Bool
  /// The memory limit of its control group in bytes; nil: none, or unknown.
  var memoryLimit: Int?
  /// Bytes that may be locked against swapping; nil: any number.
  var lockLimit: UInt64?
  /// The kernel's version of Landlock, by which a worker restricts itself; 0: none.
  var landlock = 0
  /// What the worker was told of restricting itself; nil when the configuration cannot be read.
  var restriction: ConfinementConfiguration.Mode?

  /// Looks at the process now.
  static func read(_ restriction: ConfinementConfiguration.Mode? = nil) -> Confinement {
    let status = ProcFile.read("/proc/self/status") ?? ""
    func field(_ name: String) -> String? {
      status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        .map { String($0.dropFirst(name.count + 1).drop(while: \.isWhitespace)) }
    }
    return Confinement(
      user: geteuid(), group: getegid(), capabilities: field("CapEff").flatMap { UInt64($0, radix: 16) },
      hasNoNewPrivileges: field("NoNewPrivs").map { $0 == "1" }, seccomp: field("Seccomp").flatMap { Int($0) },
      canWriteRoot: unsafe access("/", W_OK) == 0, writable: writableMounts(MountTable.read()),
      coreLimit: limit(RLIMIT_CORE), isDumpable: sly_is_dumpable() != 0, memoryLimit: ControlGroup.memoryLimit(),
      lockLimit: limit(__RLIMIT_MEMLOCK),
      landlock: Landlock.Version.ofKernel.number, restriction: restriction)
  }

  private static func limit(_ resource: __rlimit_resource) -> UInt64? {
    var bounds = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &bounds) == 0, bounds.rlim_cur < .max else {
      return nil
    }
    return UInt64(bounds.rlim_cur)
  }

  /// Folders only, not single devices; what the kernel guards by itself is left out: /proc, /sys, terminals.
  private static func writableMounts(_ table: MountTable) -> [String] {
    let guarded: Set = ["proc", "sysfs", "devpts", "cgroup", "cgroup2", "mqueue", "securityfs", "tracefs", "bpf"]
    var found: [String] = []
    for mount in table.mounts where !mount.isReadOnly && !guarded.contains(mount.kind) && mount.target != "/" {
      guard Folder.exists(mount.target), !found.contains(mount.target) else { continue }
      if unsafe access(mount.target, W_OK) == 0 { found.append(mount.target) }
    }
    return found.sorted()
  }
}

/// What counts as well confined: pure decisions.
extension Confinement {
  /// What a hardened pod would have otherwise, each with the setting that brings it.
  var gaps: [(what: String, advice: String)] {
    var gaps: [(String, String)] = []
    if user == 0 { gaps.append(("it runs as root", "runAsNonRoot: true, runAsUser: 65532")) }
    if let capabilities, capabilities != 0 {
      gaps.append(("it has capabilities", "capabilities: {drop: [ALL]}"))
    }
    if hasNoNewPrivileges == false {
      gaps.append(("it could gain rights", "allowPrivilegeEscalation: false"))
    }
    if seccomp == 0 { gaps.append(("no system call is filtered", "seccompProfile: {type: RuntimeDefault}")) }
    if canWriteRoot { gaps.append(("the root file system can be written to", "readOnlyRootFilesystem: true")) }
    return gaps
  }

  /// What was found, for the report. Core dumps that are on are a failure: this program turns them off at its start.
  var finding: DoctorReport.Finding {
    let gaps = gaps
    let ownGap = ownGap
    let isLeaky = isDumpable || coreLimit != 0
    let status: DoctorReport.Status = isLeaky ? .failed : gaps.isEmpty && ownGap == nil ? .ok : .warning
    let whats = gaps.map(\.what) + [ownGap?.what].compactMap(\.self)
    var advice = gaps.isEmpty ? [] : ["in the pod's securityContext: " + gaps.map(\.advice).joined(separator: ", ")]
    if let ownGap { advice.append(ownGap.advice) }
    return DoctorReport.Finding(
      status, seen: lines, facts: facts,
      reason: isLeaky
        ? "core dumps are on" : whats.isEmpty ? nil : whats.joined(separator: "; "),
      advice: isLeaky
        ? "something undid what the program does at its start: look for what starts it"
        : advice.isEmpty ? nil : advice.joined(separator: "; "))
  }

  /// What keeps the worker from restricting itself; nil when nothing does, or nothing is known.
  private var ownGap: (what: String, advice: String)? {
    switch restriction {
    case nil: nil
    case .off: ("the worker does not restrict itself", "unset SALLYPORT_CONFINE")
    case .required where landlock == 0:
      ("SALLYPORT_CONFINE=required, and the kernel has no Landlock", "a node with Linux 5.13 or later, or auto")
    case .auto where landlock == 0:
      (
        "the kernel has no Landlock, so that the worker can only restrict its system calls",
        "a node with Linux 5.13 or later"
      )
    case .auto, .required: nil
    }
  }

  /// What a worker started here would restrict of itself.
  private var ownLine: String {
    let version = Landlock.Version(number: landlock)
    let kernel =
      switch (version.knowsFiles, version.knowsPorts) {
      case (false, _): "the kernel has no Landlock"
      case (true, false): "Landlock \(landlock), which knows files but no TCP ports"
      case (true, true): "Landlock \(landlock)"
      }
    return "the worker restricts itself: \(restriction?.rawValue ?? "unknown"); \(kernel)"
  }

  private var lines: [String] {
    func size(_ bytes: Int?) -> String { bytes.map { "\($0 >> 20) MiB" } ?? "none" }
    let filter = seccomp.map { [0: "none", 1: "strict", 2: "filter"][$0] ?? "\($0)" }
    return [
      "user \(user), group \(group), capabilities \(capabilities.map { "0x" + String($0, radix: 16) } ?? "unknown")"
        + ", no_new_privs \(hasNoNewPrivileges.map { $0 ? "yes" : "no" } ?? "unknown"), seccomp \(filter ?? "unknown")",
      "root file system \(canWriteRoot ? "writable" : "read-only"), writable: "
        + (writable.isEmpty ? "nothing" : writable.prefix(8).joined(separator: ", ")),
      "core dumps \(coreLimit == 0 && !isDumpable ? "off" : "on"), memory limit \(size(memoryLimit)), "
        + "lockable \(lockLimit.map { "\($0 >> 10) KiB" } ?? "any")",
      ownLine,
    ]
  }

  private var facts: PlainObject {
    func flag(_ value: Bool?) -> PlainValue { value.map { .bool($0) } ?? .null }
    return [
      "uid": .int(Int(user)), "gid": .int(Int(group)),
      "capabilities": capabilities.map { .string("0x" + String($0, radix: 16)) } ?? .null,
      "no_new_privs": flag(hasNoNewPrivileges), "seccomp": seccomp.map { .int($0) } ?? .null,
      "root_writable": .bool(canWriteRoot), "writable": .array(writable.map { .string($0) }),
      "core_dumps": .bool(coreLimit != 0 || isDumpable), "memory_limit_bytes": memoryLimit.map { .int($0) } ?? .null,
      "landlock_version": .int(landlock), "self_restriction": restriction.map { .string($0.rawValue) } ?? .null,
      "memlock_bytes": lockLimit.map { .int(Int(clamping: $0)) } ?? .null,
    ]
  }
}

/// The control group of this process, of either version (cgroups(7)).
enum ControlGroup {
  /// The memory limit in bytes; nil: none, or unknown.
  static func memoryLimit() -> Int? {
    var places = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    for line in (ProcFile.read("/proc/self/cgroup") ?? "").split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      if fields[0] == "0" { places.insert("/sys/fs/cgroup\(fields[2])/memory.max", at: 0) }
      if fields[1].split(separator: ",").contains("memory") {
        places.insert("/sys/fs/cgroup/memory\(fields[2])/memory.limit_in_bytes", at: 0)
      }
    }
    for place in places {
      guard let text = ProcFile.read(place)?.prefix(while: { $0 != "\n" }) else { continue }
      // Version 1 has no word for "none" but a number close to the largest.
      guard let bytes = Int(text), bytes < 1 << 60 else { return nil }
      return bytes
    }
    return nil
  }
}
