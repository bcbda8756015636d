import DBTContext
import DBTEngine
import DBTProject
import Glibc
import OrderedCollections
import PlainData
import Secrets
import YAMLDocument

/// `dbt init`: a new project, and its profile.
extension DBTSession {
  /// Makes a project in a folder of its name; inside of a project only its profile.
  ///
  /// - Throws: a runtime error for a name that cannot be one, or a file that cannot be written.
  func makeProject() throws(EngineError) -> Int32 {
    if unsafe access(flags.projectFolder + "/dbt_project.yml", F_OK) == 0 {
      guard flags.text("profile") == nil else {
        throw EngineError(
          .runtime, "Can not init existing project with specified profile, edit dbt_project.yml instead")
      }
      let project = try engineOptions().readProject(request.settings)
      if !flags.isOn("skip_profile_setup") { try setUpProfile(project.profileName ?? project.name) }
      return 0
    }
    guard let name = flags.positionals.first ?? ask("Enter a name for your project (letters, digits, underscore)")
    else {
      throw EngineError(.runtime, "dbt init needs the name of the project: dbt init NAME")
    }
    guard !name.isEmpty, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }) else {
      throw EngineError(.runtime, "'\(name)' is not a valid project name: only letters, digits and underscores count")
    }
    guard unsafe access(name, F_OK) != 0 else {
      say("A project called \(name) already exists here.", event: "ProjectNameAlreadyExists")
      return 0
    }
    let profile = flags.text("profile")
    if let profile, try !knowsProfile(profile) {
      throw EngineError(.runtime, "Could not find profile named '\(profile)'")
    }
    for (path, text) in Self.starter(name, profile: profile ?? name) {
      try TextFile.write(text, to: "\(Paths.working)/\(name)/\(path)")
    }
    if profile == nil, !flags.isOn("skip_profile_setup") { try setUpProfile(name) }
    say(
      "Your new dbt project \"\(name)\" was created!\nInitialized new project in \(Paths.working)/\(name)",
      event: "ProjectCreated", data: ["project_name": .string(name)])
    return 0
  }

  // MARK: The profile

  /// Asks for the connection and adds a profile, unless there is one of the name. Nothing asks when there is no terminal.
  private func setUpProfile(_ name: String) throws(EngineError) {
    guard try !knowsProfile(name) else {
      say("The profile \(name) is in \(profilesFolder)/profiles.yml already; it stays as it is.")
      return
    }
    say("Setting up your profile.", event: "SettingUpProfile")
    let fields = [
      ("host", "localhost"), ("port", "5432"), ("user", "postgres"), ("dbname", "postgres"), ("schema", "public"),
      ("threads", "4"),
    ]
    var lines = ["\(name):", "  target: dev", "  outputs:", "    dev:", "      type: postgres"]
    for (field, standard) in fields {
      let answer = ask("\(field) [\(standard)]") ?? ""
      let value = answer.isEmpty ? standard : answer
      lines.append("      \(field): \(PlainValue.string(value).numberOrText.json())")
    }
    // A password stands in no file.
    lines.append("      pass: \"{{ env_var('DBT_ENV_SECRET_PASSWORD') }}\"")
    let path = "\(profilesFolder)/profiles.yml"
    let present = (try? MountedFile.read(path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let separator = present.isEmpty || present.hasSuffix("\n") ? "" : "\n"
    try TextFile.write(present + separator + lines.joined(separator: "\n") + "\n", to: path)
    say("Profile \(name) written to \(path); its password comes from the variable DBT_ENV_SECRET_PASSWORD.")
  }

  private func knowsProfile(_ name: String) throws(EngineError) -> Bool {
    guard let bytes = try? MountedFile.read("\(profilesFolder)/profiles.yml", limit: 1 << 20) else { return false }
    do {
      return try YAMLDocument.parse(bytes, path: "profiles.yml")[name]?.objectValue != nil
    } catch {
      throw EngineError(.runtime, "profiles.yml cannot be read: \(error)")
    }
  }

  /// A line from the terminal; nil when standard input is at its end.
  private func ask(_ question: String) -> String? {
    Terminal.write("\(question): ")
    return readLine(strippingNewline: true)
  }

  // MARK: The files

  private static func starter(_ name: String, profile: String) -> [(path: String, text: String)] {
    var files: [(path: String, text: String)] = [
      (
        "dbt_project.yml",
        """
        name: '\(name)'
        version: '1.0.0'
        profile: '\(profile)'

        model-paths: ["models"]
        analysis-paths: ["analyses"]
        test-paths: ["tests"]
        seed-paths: ["seeds"]
        macro-paths: ["macros"]
        snapshot-paths: ["snapshots"]
        clean-targets: ["target", "dbt_packages"]

        models:
          \(name):
            example:
              +materialized: view

        """
      ),
      (".gitignore", "target/\ndbt_packages/\nlogs/\n"),
      ("README.md", "# \(name)\n\n`dbt build` builds the models and tests them.\n"),
      (
        "models/example/my_first_dbt_model.sql",
        "{{ config(materialized='table') }}\n\nselect 1 as id\nunion all\nselect 2 as id\n"
      ),
      (
        "models/example/my_second_dbt_model.sql",
        "select * from {{ ref('my_first_dbt_model') }}\nwhere id = 1\n"
      ),
      (
        "models/example/schema.yml",
        """
        models:
          - name: my_first_dbt_model
            columns:
              - name: id
                data_tests: [unique, not_null]
          - name: my_second_dbt_model
            columns:
              - name: id
                data_tests: [unique, not_null]

        """
      ),
    ]
    for folder in ["analyses", "macros", "seeds", "snapshots", "tests"] { files.append(("\(folder)/.gitkeep", "")) }
    return files
  }
}

extension PlainValue {
  /// A text of digits as a number.
  fileprivate var numberOrText: PlainValue { stringValue.flatMap { Int($0) }.map { .int($0) } ?? self }
}

/// Writing small files.
enum TextFile {
  /// Writes a file, making the folders above it.
  ///
  /// - Throws: a runtime error with the system's reason.
  static func write(_ text: String, to path: String) throws(EngineError) {
    var folder = ""
    for part in path.split(separator: "/").dropLast() {
      folder += "/\(part)"
      _ = unsafe mkdir(folder, 0o777)
    }
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else {
      throw EngineError(.runtime, "cannot write '\(path)': \(unsafe String(cString: strerror(errno)))")
    }
    defer { close(file) }
    Terminal.write(text, to: file)
  }
}
