import CLinux
import EventLoop
import Glibc

/// What the kernel knows of this process, under the names that Prometheus' own clients use.
///
/// `/proc/self` is read each time. A process that forbids dumps sees its own entries there all the same: the kernel lets a
/// process look at itself. What cannot be read is left out rather than shown as zero.
package struct ProcessMetrics: Sendable, Hashable {
  /// CPU time of user and system, in seconds.
  package var cpuSeconds: Double
  /// Descriptors open now; nil when they cannot be counted.
  package var openDescriptors: Int?
  /// The soft limit of descriptors; nil when there is none.
  package var descriptorLimit: Int?
  /// Resident memory in bytes.
  package var residentBytes: Int?
  /// Address space in bytes.
  package var virtualBytes: Int?
  /// Threads now.
  package var threads: Int?
  /// When the process started, in seconds since 1970.
  package var startedAt: Double?

  /// Reads everything now.
  package static func read() -> ProcessMetrics {
    var metrics = ProcessMetrics(cpuSeconds: cpuTime())
    metrics.openDescriptors = entries("/proc/self/fd")
    var bounds = rlimit()
    if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &bounds) == 0, bounds.rlim_cur < .max {
      metrics.descriptorLimit = Int(clamping: bounds.rlim_cur)
    }
    if let text = ProcFile.read("/proc/self/stat") { metrics.take(stat: text) }
    return metrics
  }

  /// Adds them to a page.
  package func write(to text: inout MetricsText) {
    func add(_ name: String, _ kind: MetricsText.Kind, _ value: Double?) {
      if let value { text.sample(name, kind, MetricCatalog.help(for: name), value) }
    }
    add("process_cpu_seconds_total", .counter, cpuSeconds)
    add("process_max_fds", .gauge, descriptorLimit.map(Double.init))
    add("process_open_fds", .gauge, openDescriptors.map(Double.init))
    add("process_resident_memory_bytes", .gauge, residentBytes.map(Double.init))
    add("process_start_time_seconds", .gauge, startedAt)
    add("process_threads", .gauge, threads.map(Double.init))
    add("process_virtual_memory_bytes", .gauge, virtualBytes.map(Double.init))
  }

  /// Reads the fields of `/proc/PID/stat` (proc(5)); they are counted from the end of the name, which may hold anything.
  private mutating func take(stat text: String) {
    guard let end = text.lastIndex(of: ")") else { return }
    let fields = text[text.index(after: end)...].split(separator: " ").map(String.init)
    // The first field here is the third of the manual page.
    func field(_ number: Int) -> Int? { fields.indices.contains(number - 3) ? Int(fields[number - 3]) : nil }
    threads = field(20)
    virtualBytes = field(23)
    residentBytes = field(24).map { $0 * sysconf(Int32(_SC_PAGESIZE)) }
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    guard let started = field(22), ticks > 0 else { return }
    let age = Double(MonotonicTime.now().nanoseconds) / 1e9 - Double(started) / ticks
    let now = Timestamp.now()
    startedAt = ((Double(now.seconds) + Double(now.nanoseconds) / 1e9 - age) * 100).rounded() / 100
  }

  private static func cpuTime() -> Double {
    var usage = rusage()
    guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  /// How many entries a folder of numbers has, the descriptor that reads it left out.
  private static func entries(_ path: String) -> Int? {
    guard let folder = unsafe opendir(path) else { return nil }
    defer { unsafe _ = closedir(folder) }
    var count = 0
    while let entry = unsafe readdir(folder) {
      if unsafe entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
    }
    return max(0, count - 1)
  }
}

/// Small files of the kernel, whose size reads as zero.
package enum ProcFile {
  /// The first 64 KiB of a file as text; nil when it cannot be read.
  package static func read(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { _ = close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count < 64 << 10 {
      let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
