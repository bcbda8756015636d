import DBTContext
import DBTEngine
import DBTProject
import Glibc
import OrderedCollections
import PlainData
import PostgresWarehouse

/// `dbt debug`: project, profile and connection, checked one by one.
extension DBTSession {
  /// One thing that was checked.
  private struct Check {
    let mark: String
    /// What is wrong; nil when it is right or was left out.
    let failure: String?
  }

  private static let help = "https://docs.getdbt.com/docs/core/connect-data-platform/connection-profiles"

  func check() throws(EngineError) -> Int32 {
    let folder = shownProfilesFolder
    if flags.isOn("config_dir") {
      say("To view your profiles.yml file, run:\n\nxdg-open \(folder)")
      return 0
    }
    tell("dbt version: \(DBTVersions.core)")
    tell("sallyport version: \(DBTVersions.engine)")
    let options = try engineOptions()
    let (profile, profileCheck) = checkProfile(options, folder)
    tell("Using profiles dir at \(folder)")
    tell("Using profiles.yml file at \(folder)/profiles.yml")
    tell("Using dbt_project.yml file at \(options.projectDirectory)/dbt_project.yml")
    if profile != nil {
      tell("adapter type: postgres")
      tell("adapter version: \(DBTVersions.adapter)")
    }
    let projectCheck = checkProject(options)
    if flags.isOn("connection") {
      tell("Skipping steps before connection verification")
    } else {
      tell("Configuration:")
      tell("  profiles.yml file [\(profileCheck.mark)]")
      tell("  dbt_project.yml file [\(projectCheck.mark)]")
    }
    let connection = checkConnection(profile)
    let failures = [profileCheck, projectCheck, connection].compactMap(\.failure)
    guard !failures.isEmpty else {
      tell("All checks passed!", event: "DebugCmdResult")
      return 0
    }
    tell("\(Counted.text(failures.count, "check")) failed:", event: "DebugCmdResult")
    for failure in failures { tell(failure + "\n", event: "DebugCmdResult") }
    return 1
  }

  private func tell(_ text: String, event: String = "DebugCmdOut") {
    say(text, event: event, data: ["msg": .string(text)])
  }

  /// The folder as the user gave it.
  private var shownProfilesFolder: String { flags.text("profiles_dir") ?? profilesFolder }

  private func checkProfile(_ options: EngineOptions, _ folder: String) -> (TargetProfile?, Check) {
    guard unsafe access("\(profilesFolder)/profiles.yml", F_OK) == 0 else {
      let text =
        "dbt looked for a profiles.yml file in \(folder)/profiles.yml, but did\nnot find one. For more information on "
        + "configuring your profile, consult the\ndocumentation:\n\n\(Self.help)\n"
      return (nil, Check(mark: "ERROR not found", failure: text))
    }
    do throws(EngineError) {
      let profile = try options.readProfile(request.settings)
      return (profile, Check(mark: "OK found and valid", failure: nil))
    } catch {
      let text = "Profile loading failed for the following reason:\n\(error.description)\n"
      return (nil, Check(mark: "ERROR invalid", failure: text))
    }
  }

  private func checkProject(_ options: EngineOptions) -> Check {
    let path = options.projectDirectory + "/dbt_project.yml"
    guard unsafe access(path, F_OK) == 0 else {
      return Check(
        mark: "ERROR not found",
        failure: "Project loading failed for the following reason:\n project path <\(path)> not found")
    }
    do throws(EngineError) {
      _ = try options.readProject(request.settings)
      return Check(mark: "OK found and valid", failure: nil)
    } catch {
      return Check(
        mark: "ERROR invalid", failure: "Project loading failed for the following reason:\n\(error.description)\n")
    }
  }

  private func checkConnection(_ profile: TargetProfile?) -> Check {
    guard let profile else {
      tell("Connection test skipped since no profile was found")
      return Check(mark: "SKIPPED", failure: nil)
    }
    tell("Connection:")
    let hidden = ["dbname", "pass", "name", "target_name", "profile_name", "type", "threads"]
    for (name, value) in profile.contextValues where !hidden.contains(name) {
      tell("  \(name): \(value.stringValue ?? value.json())")
    }
    do throws(WarehouseError) {
      let database = try PostgresWarehouse(profile, egress: egress).connect(cancellation)
      defer { database.close() }
      _ = try database.execute("select 1 as id", fetch: .all)
    } catch {
      tell("  Connection test: [ERROR]\n")
      return Check(
        mark: "ERROR",
        failure:
          "dbt was unable to connect to the specified database.\nThe database returned the following error:\n\n  "
          + ">Database Error\n  \(error.message)\n\nCheck your database credentials and try again. For more "
          + "information, visit:\n\(Self.help)\n")
    }
    tell("  Connection test: [OK connection ok]\n")
    return Check(mark: "OK connection ok", failure: nil)
  }
}
