import Foundation
import Glibc

/// Client certificates of the tests' authority with serial numbers of their own, so that a gateway's log tells which one
/// a connection was made with.
package struct ClientPairs: Sendable {
  /// One certificate with its key.
  package struct Pair: Sendable {
    /// PEM.
    package let certificate: String
    /// PEM.
    package let key: String
    /// In hexadecimal digits, upper case, as gateways log it.
    package let serial: String
  }

  /// The pairs, in the order of their serial numbers.
  package let pairs: [Pair]

  /// Issues pairs; all share one key to save time, unless they must not.
  ///
  /// - Parameters:
  ///   - seconds: how long they are valid from now; nil: 30 days.
  ///   - authority: the name of the authority's files in the certificates' folder.
  package static func issue(
    _ count: Int, first: Int = 0x5100, seconds: Int? = nil, authority: String = "ca", _ certificates: TestCertificates
  ) throws -> ClientPairs {
    let folder = try TemporaryFolder("sallyport-pairs")
    let source = certificates.folder.path
    let script = """
      set -e
      printf '%s\\n' '[ca]' 'default_ca=d' '[d]' 'database=index' 'serial=serial' 'default_md=sha256' 'policy=p' \
        'unique_subject=no' 'x509_extensions=e' '[p]' 'commonName=supplied' '[e]' 'extendedKeyUsage=clientAuth' \
        'basicConstraints=critical,CA:FALSE' > ca.cnf
      : > index
      printf '%X\\n' \(first) > serial
      for number in $(seq 0 \(count - 1)); do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $number.key -out request -subj /CN=worker 2>/dev/null
        openssl ca -batch -notext -config ca.cnf -in request -out $number.crt -cert \(source)/\(authority).crt \
          -keyfile \(source)/\(authority).key -outdir . -startdate 20200101000000Z -enddate "\(endDate(seconds))" 2>/dev/null
      done
      """
    try PeerProcess.run("/bin/bash", ["-c", script], folder: folder.path)
    return ClientPairs(
      pairs: try (0..<count).map { number in
        Pair(
          certificate: try String(contentsOfFile: folder.file("\(number).crt"), encoding: .utf8),
          key: try String(contentsOfFile: folder.file("\(number).key"), encoding: .utf8),
          serial: String(first + number, radix: 16, uppercase: true))
      })
  }

  private static func endDate(_ seconds: Int?) -> String {
    let formatter = DateFormatter()
    formatter.dateFormat = "yyyyMMddHHmmss'Z'"
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.locale = Locale(identifier: "en_US_POSIX")
    return formatter.string(from: Date().addingTimeInterval(Double(seconds ?? 30 * 86_400)))
  }
}

/// A folder of files as Kubernetes mounts a Secret: every file is a link through `..data`, whose replacement swaps all
/// of them at once.
package final class SecretMount: @unchecked Sendable {
  // Sendable: the number is only touched under the lock, the rest is set once.
  private let folder: TemporaryFolder
  private let lock = NSLock()
  private var number = 0

  /// The folder's path.
  package var path: String { folder.path }

  /// Mounts the first files.
  package init(_ files: [String: String]) throws {
    folder = try TemporaryFolder("sallyport-mount")
    try swap(files)
    for name in files.keys {
      try FileManager.default.createSymbolicLink(atPath: file(name), withDestinationPath: "..data/\(name)")
    }
  }

  /// The path of a file, as a configuration names it.
  package func file(_ name: String) -> String { folder.file(name) }

  /// Swaps all files at once, in the steps of the kubelet.
  package func swap(_ files: [String: String]) throws {
    try lock.withLock {
      number += 1
      let manager = FileManager.default
      let (fresh, former) = ("..v\(number)", "..v\(number - 1)")
      try manager.createDirectory(atPath: file(fresh), withIntermediateDirectories: false)
      for (name, text) in files {
        try text.write(toFile: file("\(fresh)/\(name)"), atomically: false, encoding: .utf8)
      }
      try? manager.removeItem(atPath: file("..data_tmp"))
      try manager.createSymbolicLink(atPath: file("..data_tmp"), withDestinationPath: fresh)
      guard rename(file("..data_tmp"), file("..data")) == 0 else { throw PeerError("rename: errno \(errno)") }
      try? manager.removeItem(atPath: file(former))
    }
  }
}
