import CLinux
import DBTEngine
import DBTProject
import Egress
import HTTPDownload
import Secrets
import TLSClient
import Worker

/// The way to the network that `deps` takes: the product's egress list, proxy and trust.
struct PackageDownload: PackageDownloader {
  private let downloader: HTTPDownloader

  /// Reads the settings of the environment, `DBT_HTTP_TIMEOUT` and `REQUESTS_CA_BUNDLE` of dbt's own among them.
  ///
  /// - Parameter isCancelled: asked while a transfer is under way.
  /// - Throws: a usage error that names the variable at fault.
  init(_ environment: ProcessEnvironment, isCancelled: @escaping @Sendable () -> Bool) throws(EngineError) {
    var downloader = HTTPDownloader()
    do throws(ConfigurationError) {
      let network = try NetworkConfiguration.wayOut(of: environment)
      downloader.egress = network.egress
      downloader.proxy = network.proxy
    } catch {
      throw EngineError(.usage, "\(error)")
    }
    for name in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
      guard let path = environment.values[name], !path.isEmpty else { continue }
      downloader.trust = .file(path)
      break
    }
    if let seconds = environment.values["DBT_HTTP_TIMEOUT"].flatMap({ Double($0) }), !seconds.isNaN {
      let duration = Duration.seconds(min(max(seconds, 1), 600))
      downloader.connectTimeout = duration
      downloader.stallTimeout = duration
    }
    downloader.userAgent = Version.identity
    downloader.isCancelled = isCancelled
    self.downloader = downloader
  }

  func download(_ address: SharedSecret, limit: Int) throws(PackageDownloadError) -> [UInt8] {
    let url: DownloadURL
    do throws(DownloadURL.Fault) {
      url = try DownloadURL(address)
    } catch {
      throw PackageDownloadError(.final, "its address \(error.reason)")
    }
    do throws(DownloadError) {
      return try downloader.get(url, limit: limit)
    } catch {
      throw PackageDownloadError(Self.kind(error.code), error.message)
    }
  }

  private static func kind(_ code: DownloadError.Code) -> PackageDownloadError.Kind {
    switch code {
    case .unreachable: .unreachable
    case .egressRefused: .refused
    case .broken, .serverFailed: .temporary
    case .malformedAddress, .untrusted, .statusRefused, .tooLarge, .cancelled, .unusable: .final
    }
  }
}
