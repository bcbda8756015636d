import Archives
import DBTContext
import Secrets

/// Packages that come as archives over the network.
final class ArchivePackages {
  /// Bytes of downloads that are kept from resolving to installing; what does not fit is downloaded again.
  private static let memory = 128 << 20

  private let fetcher: PackageFetcher
  private let environment: ProcessEnvironment
  private var kept: [String: PackageArchive] = [:]

  init(_ fetcher: PackageFetcher, _ environment: ProcessEnvironment) {
    self.fetcher = fetcher
    self.environment = environment
  }

  /// Downloads an archive and checks all of it.
  func archive(_ address: PackageAddress) throws(PackageFault) -> PackageArchive {
    if let known = kept[address.text] { return known }
    let secret = try PackageFault.of { () throws(ProjectError) in try address.revealed(by: environment) }
    let archive: PackageArchive
    do throws(PackageDownloadError) {
      archive = try fetcher.fetch(secret, limit: PackageArchive.downloadLimit) { bytes throws(PackageDownloadError) in
        do throws(ArchiveError) {
          return try PackageArchive(bytes)
        } catch {
          throw PackageDownloadError(
            error.code == .damaged ? .temporary : .final, "The archive at \(address.shown) \(error.message)")
        }
      }
    } catch {
      throw .download(error)
    }
    if kept.values.reduce(archive.size, { $0 + $1.size }) <= Self.memory { kept[address.text] = archive }
    return archive
  }

  /// Unpacks an archive into a temporary folder, calls the body with the package's own folder, and removes what is left.
  ///
  /// - Parameters:
  ///   - base: where the temporary folder is made.
  ///   - location: the package, for messages.
  func withContents<R>(
    of archive: PackageArchive, below base: String, _ location: String,
    _ body: (String) throws(ProjectError) -> R
  ) throws(ProjectError) -> R {
    let place = try FileTree.makeTemporaryFolder(below: base, named: ".dbt-downloads-")
    let result = Result { () throws(ProjectError) in try body(try archive.extract(into: place)) }
    try FileTree.remove(place)
    do throws(ProjectError) {
      return try result.get()
    } catch {
      guard !error.message.contains(location) else { throw error }
      throw ProjectError(error.kind, "\(location): \(error.message)", path: error.path)
    }
  }
}

/// Names of packages, which become folders below the install folder.
enum PackageName {
  /// Whether a project may have the name: letters, digits and `_`.
  static func isName(_ name: String) -> Bool { !name.isEmpty && name.utf8.allSatisfy(isWord) }

  /// Whether a folder may have the name that an index or `packages.yml` gives: also `-` and `.`, within.
  static func isFolder(_ name: String) -> Bool {
    guard let first = name.utf8.first, isWord(first), name.utf8.count <= 255 else { return false }
    return name.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}
