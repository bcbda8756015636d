import CLinux
import DBTEngine
import Egress
import Glibc
import OrderedCollections
import PlainData
import Secrets
import YAMLDocument

/// What a worker can still get at once it has restricted itself: places to read, places to write, ports.
///
/// Rules speak of folders rather than files, so that whatever replaces a file there is reached as well: a rotated secret, a
/// new `resolv.conf`.
package struct Reach: Sendable, Hashable {
  /// Folders (or single files directly below the root) that may be read with all that lies below them; absolute, links
  /// resolved, sorted, none below another.
  var readable: [String] = []
  /// Folders that may be written to as well.
  var writable: [String] = []
  /// TCP ports that may be dialed, sorted; nil: every port.
  var dialedPorts: [Int]?
  /// The TCP port that may be listened on; nil: none.
  var listenedPort: Int?

  /// Devices that any program may expect.
  static let devices = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"]

  /// What libraries read at any time: the resolver's and the certificate store's files, time zones, modules that the C
  /// library loads, what the kernel tells.
  private static let systemFolders = ["/etc", "/usr", "/lib", "/lib64", "/proc", "/sys"]
  /// Files of the system that may be links to elsewhere.
  private static let systemFiles = [
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/localtime", "/etc/ssl/certs", "/usr/lib/ssl/certs",
    "/etc/ssl/certs/ca-certificates.crt",
  ]
  /// Variables by which libpq, OpenSSL, Kerberos and the C library are told of files.
  private static let libraryVariables = [
    "SSL_CERT_FILE", "SSL_CERT_DIR", "PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT", "PGSSLCRL", "PGSSLCRLDIR", "PGPASSFILE",
    "PGSERVICEFILE", "PGSYSCONFDIR", "KRB5_CONFIG", "TZDIR",
  ]
}

extension Reach {
  /// What a worker of this configuration needs. Reads the profiles for the files that they name, and makes the folders that
  /// will be written to.
  init(_ configuration: Configuration, _ environment: ProcessEnvironment) {
    var places = Places()
    for path in Reach.systemFolders { places.add(folder: path) }
    for path in Reach.systemFiles + Reach.named(in: environment) { places.add(path) }
    for path in configuration.confinement.readable { places.add(path) }
    for directory in configuration.projects.directories { places.add(project: directory) }
    for folder in configuration.projects.profilesDirectory.map({ [$0] }) ?? configuration.projects.directories {
      places.add(folder)
      for path in Reach.files(namedIn: folder + "/profiles.yml", environment) { places.add(path) }
    }
    if let macros = try? MacroPackages.find(configured: configuration.projects.macrosDirectory) { places.add(macros) }
    if let home = environment.values["HOME"], home.hasPrefix("/"), home != "/" {
      places.add(folder: home + "/.postgresql")
    }

    var written = Places()
    for folder in Reach.writtenFolders(configuration, environment) {
      Reach.make(folder)
      written.add(folder: folder)
    }
    readable = places.pruned
    writable = written.pruned
    dialedPorts = configuration.scheduler.network.egress.tcpPorts.map { ($0.union([53])).sorted() }
    listenedPort = configuration.health.port
  }

  private static func writtenFolders(_ configuration: Configuration, _ environment: ProcessEnvironment) -> [String] {
    var folders = ["/tmp"]
    if let temporary = environment.values["TMPDIR"], temporary.hasPrefix("/") { folders.append(temporary) }
    if let file = configuration.health.file { folders.append(parent(file)) }
    if configuration.artifacts.isOn { folders.append(configuration.artifacts.directory) }
    return folders.filter { $0 != "/" }
  }

  /// Files and folders that settings, and variables of the libraries, name.
  private static func named(in environment: ProcessEnvironment) -> [String] {
    var names = libraryVariables
    for setting in Setting.all where setting.availability == .read {
      if [.file, .fileOrFolder].contains(setting.kind) { names.append(setting.name) }
      if let fileName = setting.fileName { names.append(fileName) }
    }
    return names.compactMap { environment.values[$0] }.filter { !$0.isEmpty }
  }

  /// Paths that a profile names for certificates and passwords: absolute ones as they stand, and the values of variables
  /// that templates in it ask for.
  static func files(namedIn path: String, _ environment: ProcessEnvironment) -> [String] {
    guard let bytes = try? MountedFile.read(path), let document = try? YAMLDocument.parse(bytes, path: "profiles.yml")
    else { return [] }
    var found: [String] = []
    func visit(_ value: PlainValue) {
      switch value {
      case .string(let text):
        if text.hasPrefix("/") { found.append(text) }
        found += variables(in: text).compactMap { environment.values[$0] }.filter { $0.hasPrefix("/") }
      case .array(let items): items.forEach(visit)
      case .object(let members): members.values.forEach(visit)
      default: break
      }
    }
    visit(document)
    return found
  }

  /// The names in `env_var('NAME')` of a template.
  static func variables(in template: String) -> [String] {
    var names: [String] = []
    var rest = template[...]
    while let call = rest.firstRange(of: "env_var(") {
      rest = rest[call.upperBound...].drop { $0 == " " }
      guard let quote = rest.first, quote == "'" || quote == "\"" else { continue }
      rest = rest.dropFirst()
      names.append(String(rest.prefix { $0 != quote }))
    }
    return names
  }

  /// Makes a folder and those above it, as far as the system lets us; whoever writes there tells of what fails.
  private static func make(_ path: String) {
    var folder = ""
    for part in path.split(separator: "/") {
      folder += "/" + part
      _ = unsafe mkdir(folder, 0o755)
    }
  }

  fileprivate static func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

extension Reach {
  /// Nothing but what holds these paths, for reading.
  init(reading paths: [String]) {
    var places = Places()
    for path in paths { places.add(path) }
    readable = places.pruned
  }
}

/// Places that are collected, each as the folder that really holds it.
struct Places {
  private var paths: Set<String> = []

  /// Adds a folder, or the folder of a file, wherever links lead; and, where a folder is itself a link, what holds its target,
  /// so that the link may be turned to a sibling.
  mutating func add(_ path: String) {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    if Self.isFolder(path) { return add(folder: path) }
    if let target = Self.resolved(path) { addHolder(of: target) }
    add(folder: Reach.parent(path))
  }

  mutating func add(folder path: String) {
    guard let target = Self.resolved(path), Self.isFolder(target), target != "/" else { return }
    paths.insert(target)
    if Self.isLink(path) {
      let holder = Reach.parent(target)
      if holder != "/" { paths.insert(holder) }
    }
  }

  /// A project: its folder, and what links in it and in its packages lead to.
  mutating func add(project path: String) {
    add(folder: path)
    for folder in [path] + ["dbt_packages", "dbt_modules"].map({ path + "/" + $0 }) {
      for name in Folder.entries(folder) where Self.isLink(folder + "/" + name) { add(folder + "/" + name) }
    }
    guard let bytes = try? MountedFile.read(path + "/dbt_project.yml"),
      let document = try? YAMLDocument.parse(bytes, path: "dbt_project.yml")
    else { return }
    for (key, value) in document.objectValue ?? [:] where key.hasSuffix("-paths") || key == "packages-install-path" {
      for place in value.arrayValue ?? [value] {
        guard let text = place.stringValue, text.hasPrefix("/") || text.hasPrefix("..") else { continue }
        add(folder: text.hasPrefix("/") ? text : path + "/" + text)
      }
    }
  }

  private mutating func addHolder(of target: String) {
    let holder = Reach.parent(target)
    // Directly below the root: the file alone.
    paths.insert(holder == "/" ? target : holder)
  }

  /// Sorted, without those below another.
  var pruned: [String] {
    paths.filter { path in !paths.contains { path.hasPrefix($0 + "/") } }.sorted()
  }

  private static func resolved(_ path: String) -> String? {
    guard let target = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(target) }
    return unsafe String(cString: target)
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private static func isLink(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }
}
