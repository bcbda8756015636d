import DBTContext
import DBTProject
import PlainData

extension Engine {
  /// `dbt deps`: see `PackageInstaller`. Needs neither a profile nor macro packages.
  ///
  /// - Parameters:
  ///   - locksOnly: `--lock`.
  ///   - upgrades: `--upgrade`.
  ///   - say: receives what dbt prints.
  package static func installPackages(
    _ options: EngineOptions, settings: RunSettings, locksOnly: Bool, upgrades: Bool, say: @escaping (String) -> Void
  ) throws(EngineError) {
    let invocation = Invocation.made(options, settings, command: "deps", sink: { _ in })
    do throws(ProjectError) {
      try PackageInstaller(root: options.projectDirectory, invocation: invocation, say: say)
        .run(locksOnly: locksOnly, upgrades: upgrades)
    } catch {
      throw EngineError(error).scrubbed(by: invocation.scrubber)
    }
  }
}
