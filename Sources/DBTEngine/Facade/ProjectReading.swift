package import DBTContext
package import DBTProject
import OrderedCollections

/// Reading parts of a project without the whole.
extension EngineOptions {
  /// `dbt_project.yml` alone: no profile, no packages, no resources.
  ///
  /// - Parameter sink: receives warnings, of which nothing is counted without it.
  /// - Throws: what is wrong with the file, in dbt's words.
  package func readProject(
    _ settings: RunSettings, sink: (@Sendable (LogLine) -> Void)? = nil
  ) throws(EngineError) -> ProjectConfig {
    try read(settings, sink: sink) { load, invocation throws(ProjectError) in
      try ProjectLoader.project(load, invocation: invocation)
    }
  }

  /// The target of the profile alone.
  ///
  /// - Throws: what is wrong with `profiles.yml`, or with `dbt_project.yml` when it names the profile.
  package func readProfile(_ settings: RunSettings) throws(EngineError) -> TargetProfile {
    try read(settings) { load, invocation throws(ProjectError) in
      try ProjectLoader.profile(load, invocation: invocation)
    }
  }

  private func read<R>(
    _ settings: RunSettings, sink: (@Sendable (LogLine) -> Void)? = nil,
    _ body: (LoadOptions, Invocation) throws(ProjectError) -> R
  ) throws(EngineError) -> R {
    var invocation = Invocation.made(self, settings, command: "debug", sink: sink ?? { _ in })
    if sink == nil { invocation.deprecations = Deprecations() }
    do throws(ProjectError) {
      return try body(loadOptions, invocation)
    } catch {
      throw EngineError(error).scrubbed(by: invocation.scrubber)
    }
  }

  /// The same options for the loader.
  var loadOptions: LoadOptions {
    var load = LoadOptions(
      projectDirectory: projectDirectory, macroPackages: [macroFolder + "/dbt_postgres", macroFolder + "/dbt"])
    load.profilesDirectory = profilesDirectory
    load.profileName = profileName
    load.targetName = targetName
    load.threads = threads
    load.inlineQuery = inlineQuery
    load.checksVersion = checksVersion
    load.onProjectRead = onProjectRead
    return load
  }
}
