import DBTContext
package import Secrets

/// The way to the network for `deps`: what the layer above knows about proxies, trust and what may be dialed.
package protocol PackageDownloader: Sendable {
  /// All that an address of http or https holds. Blocks.
  ///
  /// - Parameters:
  ///   - address: may hold a user and password.
  ///   - limit: the most bytes.
  /// - Throws: why there is no complete answer, secrets left out.
  func download(_ address: SharedSecret, limit: Int) throws(PackageDownloadError) -> [UInt8]
}

/// Why a package was not downloaded.
package struct PackageDownloadError: Error, Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// There is no way to the server from here, or none may be taken: then a package that was delivered will do.
    case unreachable
    /// The list of what may be dialed does not admit it: the same, and another attempt changes nothing.
    case refused
    /// Another attempt may succeed.
    case temporary
    /// It will not.
    case final
  }

  package let kind: Kind
  /// A sentence that names the address, the cause and the fix.
  package let message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// Whether what stands in the install folder may take the place of the download.
  var admitsDelivered: Bool { kind == .unreachable || kind == .refused }
}

/// Why a package was not found: the network's fault, which a delivered package mends, or the project's.
enum PackageFault: Error {
  case download(PackageDownloadError)
  case project(ProjectError)

  /// What the body gives, a fault of the project as one of these.
  static func of<R>(_ body: () throws(ProjectError) -> R) throws(PackageFault) -> R {
    do throws(ProjectError) {
      return try body()
    } catch {
      throw .project(error)
    }
  }
}

/// Downloads with dbt's patience: five more attempts, a second apart, after failures that may pass.
final class PackageFetcher {
  /// Further attempts when an answer was broken off, or the server at fault.
  private static let repetitions = 5
  /// Further attempts when nobody was reached: a name does not come to be known within seconds.
  private static let dialRepetitions = 2

  private let downloader: (any PackageDownloader)?
  private let pause: () -> Void
  /// Whether nobody could be reached before: then one attempt is enough.
  private var isOffline = false

  /// - Parameters:
  ///   - downloader: nil where nothing is fetched.
  ///   - pause: waits between two attempts.
  init(_ downloader: (any PackageDownloader)?, pause: @escaping () -> Void) {
    self.downloader = downloader
    self.pause = pause
  }

  /// Downloads and reads an answer; one that cannot be read, as an interrupted one cannot, is asked for again.
  func fetch<R>(
    _ address: SharedSecret, limit: Int, read: ([UInt8]) throws(PackageDownloadError) -> R
  ) throws(PackageDownloadError) -> R {
    guard let downloader else { throw PackageDownloadError(.refused, "Nothing is downloaded here") }
    var failures = 0
    var dials = 0
    while true {
      do throws(PackageDownloadError) {
        return try read(try downloader.download(address, limit: limit))
      } catch {
        if error.kind == .unreachable {
          dials += 1
          if dials > Self.dialRepetitions { isOffline = true }
          guard !isOffline else { throw error }
        }
        failures += 1
        guard error.kind == .temporary || error.kind == .unreachable, failures <= Self.repetitions else { throw error }
        pause()
      }
    }
  }
}
