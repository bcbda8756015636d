import CLinux
import Glibc
import Metrics
import Observability
package import Secrets

/// How a worker is to restrict itself.
package struct ConfinementConfiguration: Sendable, Hashable {
  /// What to do about a kernel that cannot do all of it.
  package enum Mode: String, Sendable, Hashable, CaseIterable {
    /// As much as the kernel can.
    case auto
    /// Files and system calls, or no start.
    case required
    /// Nothing: for looking for faults.
    case off
  }

  /// How far.
  package var mode = Mode.auto
  /// Further files and folders that must stay readable; absolute.
  package var readable: [String] = []

  /// Reads the variables of confinement.
  static func read(_ reader: inout SettingReader) -> ConfinementConfiguration {
    var configuration = ConfinementConfiguration()
    configuration.mode = Mode(rawValue: reader.choice(.confine)) ?? .auto
    for part in (reader.given(.confineRead) ?? "").split(separator: ",") {
      let path = String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      if path.isEmpty { continue }
      if path.hasPrefix("/") {
        configuration.readable.append(path)
      } else {
        reader.fault(.confineRead, value: path, "is not an absolute path")
      }
    }
    return configuration
  }
}

/// The rights that a worker gives up once it knows what it needs, before it makes its first thread and dials anything: files
/// and TCP ports by Landlock, system calls by a filter of its own. Whoever takes the process over has no more than that.
///
/// It comes on top of what the pod restricts and asks for no rights itself.
package struct SelfRestriction: Sendable, Hashable {
  /// What was asked for.
  package let mode: ConfinementConfiguration.Mode
  /// The kernel's version of Landlock; 0: none.
  package private(set) var landlock = 0
  /// Whether only places of the reach can be opened, and no program started from anywhere.
  package private(set) var restrictsFiles = false
  /// Whether only the port of the health server can be listened on.
  package private(set) var restrictsListening = false
  /// The TCP ports that can be dialed; nil: every port.
  package private(set) var dialedPorts: [Int]?
  /// Whether system calls are filtered.
  package private(set) var filtersCalls = false
  /// What could not be had, each with the reason.
  package private(set) var shortfalls: [String] = []

  /// Restricts this process for good to what a worker of this environment needs. To be called while it has one thread only.
  ///
  /// - Returns: nothing for an environment that is no right configuration: whoever reads it next tells.
  package static func apply(_ environment: ProcessEnvironment) -> SelfRestriction? {
    guard let configuration = try? Configuration(environment) else { return nil }
    var restriction = SelfRestriction(mode: configuration.confinement.mode)
    guard restriction.mode != .off else { return restriction }
    let threads = threadCount
    if threads == 1 {
      restriction.apply(Reach(configuration, environment), toEveryThread: true)
    } else {
      // Landlock would leave out those that run already.
      restriction.shortfalls.append(
        "everything: \(threads.map(String.init) ?? "an unknown number of") threads run already")
    }
    return restriction
  }

  /// Why the process must not go on like this; nil when it may.
  package var refusal: WorkerProcessError? {
    guard mode == .required, !restrictsFiles || !filtersCalls else { return nil }
    return WorkerProcessError(
      "SALLYPORT_CONFINE=required, and this process cannot be restricted: \(shortfalls.joined(separator: "; "))"
        + "; SALLYPORT_CONFINE=auto goes on with what there is")
  }

  private init(mode: ConfinementConfiguration.Mode) { self.mode = mode }

  /// Restricts the calling thread, and those it makes, alone. Tests call it on a thread of their own.
  init(restrictingThisThreadTo reach: Reach) {
    mode = .auto
    apply(reach, toEveryThread: false)
  }

  private mutating func apply(_ reach: Reach, toEveryThread isForAll: Bool) {
    guard sly_forbid_new_privileges() == 0 else {
      shortfalls.append("the kernel refuses no_new_privs (error \(errno))")
      return
    }
    restrictFiles(reach)
    filterCalls(inEveryThread: isForAll)
  }

  private mutating func restrictFiles(_ reach: Reach) {
    let version = Landlock.Version.ofKernel
    landlock = version.number
    guard version.knowsFiles else {
      shortfalls.append("files: the kernel offers no Landlock (Linux 5.13 and later, unless switched off)")
      return
    }
    do throws(Landlock.Failure) {
      try Landlock.apply(reach, version: version)
      restrictsFiles = true
    } catch {
      shortfalls.append("files: \(error.call) failed (error \(error.code))")
      return
    }
    guard version.knowsPorts else {
      shortfalls.append("TCP ports: Landlock \(version.number) does not know them (Linux 6.7 does)")
      return
    }
    restrictsListening = true
    dialedPorts = reach.dialedPorts
    if dialedPorts == nil {
      shortfalls.append("TCP ports that are dialed: SALLYPORT_EGRESS_ALLOW does not say which")
    }
  }

  private mutating func filterCalls(inEveryThread isForAll: Bool) {
    guard let machine = SystemCallFilter.Machine.present else {
      shortfalls.append("system calls: there is no filter for this kind of machine")
      return
    }
    let code = SystemCallFilter(for: machine).apply(toEveryThread: isForAll)
    filtersCalls = code == 0
    if code != 0 { shortfalls.append("system calls: the kernel takes no filter (error \(code))") }
  }

  /// Shows the layers among the metrics.
  func count() {
    for (layer, isOn) in [
      ("files", restrictsFiles), ("listening", restrictsListening), ("ports", dialedPorts != nil),
      ("calls", filtersCalls),
    ] { Gauge(label: "sallyport_confined", dimensions: [("layer", layer)]).record(isOn ? 1 : 0) }
  }

  /// What is restricted, in a line for people.
  package var summary: String {
    guard mode != .off else { return "off" }
    var parts: [String] = []
    if restrictsFiles { parts.append("files (Landlock \(landlock))") }
    if restrictsListening { parts.append("listening") }
    if let dialedPorts {
      let shown = dialedPorts.prefix(8).map(String.init).joined(separator: " ")
      parts.append("TCP ports \(shown)\(dialedPorts.count > 8 ? " and \(dialedPorts.count - 8) more" : "")")
    }
    if filtersCalls { parts.append("system calls") }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }

  /// Threads of this process now; nil when unknown.
  static var threadCount: Int? {
    (ProcFile.read("/proc/self/status") ?? "").split(separator: "\n").first { $0.hasPrefix("Threads:") }
      .flatMap { Int($0.dropFirst("Threads:".count).drop(while: \.isWhitespace)) }
  }
}
