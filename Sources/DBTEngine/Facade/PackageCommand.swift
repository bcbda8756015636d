import DBTContext
package import DBTProject
import PlainData

extension Engine {
  /// `dbt deps`: see `PackageInstaller`. Needs neither a profile nor macro packages.
  ///
  /// - Parameters:
  ///   - addition: `--add-package`.
  ///   - locksOnly: `--lock`.
  ///   - upgrades: `--upgrade`.
  ///   - mayDial: whether git may reach the network, which no egress list can hold it to.
  ///   - downloader: the way to the network for what Sallyport downloads itself.
  ///   - pause: waits between two attempts to download.
  ///   - say: receives what dbt prints.
  package static func installPackages(
    _ options: EngineOptions, settings: RunSettings, adding addition: PackageAddition?, locksOnly: Bool, upgrades: Bool,
    mayDial: Bool,
    downloader: any PackageDownloader, pause: @escaping () -> Void, say: @escaping (String) -> Void
  ) throws(EngineError) {
    let invocation = Invocation.made(options, settings, command: "deps", sink: { _ in })
    do throws(ProjectError) {
      try PackageInstaller(
        root: options.projectDirectory, invocation: invocation, checksVersion: options.checksVersion, mayDial: mayDial,
        downloader: downloader, pause: pause, say: say
      ).run(adding: addition, locksOnly: locksOnly, upgrades: upgrades)
    } catch {
      throw EngineError(error).scrubbed(by: invocation.scrubber)
    }
  }
}
