package import DBTContext

/// Loads a project: reads its files, renders them without executing anything, and resolves what refers to what.
///
/// Never reaches a database. Takes time linear in the number of files, which several threads parse.
package enum ProjectLoader {
  /// Loads the project.
  ///
  /// - Parameter invocation: vars, environment, flags and where warnings go; its target is filled in from the profile.
  /// - Throws: what is wrong first, in dbt's words, with file, line and excerpt where there is one.
  package static func load(
    _ options: LoadOptions, invocation: Invocation
  ) throws(ProjectError) -> LoadedProject {
    try ParallelMap.alone { () throws(ProjectError) in
      var run = LoadRun(options: options, invocation: invocation)
      return try run.load()
    }
  }

  /// Reads `dbt_project.yml` alone.
  package static func project(
    _ options: LoadOptions, invocation: Invocation
  ) throws(ProjectError) -> ProjectConfig {
    try LoadRun(options: options, invocation: invocation).projectOnly()
  }

  /// Reads the target of the profile alone.
  package static func profile(
    _ options: LoadOptions, invocation: Invocation
  ) throws(ProjectError) -> TargetProfile {
    try LoadRun(options: options, invocation: invocation).profileOnly()
  }
}
