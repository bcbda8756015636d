import DBTContext
import Jinja
import OrderedCollections
import PlainData
import Secrets
import YAMLDocument

/// Reads `profiles.yml` and chooses the target of a run.
///
/// Beyond dbt's keys an output may have `password_file`: the path of a mounted file whose contents, less a final line
/// end,
/// are the password. It is read here to be sure that it can be, and again for every connection, so that it may change.
struct ProfileReader {
  /// The folder that holds `profiles.yml`.
  let folder: String
  let invocation: Invocation

  /// The target of a profile.
  ///
  /// - Parameters:
  ///   - name: the profile's name.
  ///   - target: `--target`; nil takes the profile's own choice.
  ///   - threads: `--threads`; nil takes the output's.
  /// - Throws: a runtime error that names the profile, the target or the key at fault, and what there is to choose
  ///   from.
  func read(profile name: String, target: String?, threads: Int?) throws(ProjectError) -> TargetProfile {
    let path = folder + "/profiles.yml"
    guard FileReader.isFile(path) else {
      throw ProjectError(
        .runtime, "Could not find profile named '\(name)': there is no file \(path)", path: "profiles.yml")
    }
    let document: PlainValue
    do {
      document = try YAMLDocument.parse(try FileReader.read(path), path: "profiles.yml")
    } catch let error as YAMLError {
      // No lines of this file are shown: it may hold a password.
      throw fault("Syntax error near line \(error.line), column \(error.column): \(error.message)")
    } catch {
      throw error as? ProjectError ?? fault("\(error)")
    }
    guard let profiles = document.objectValue, !profiles.isEmpty else {
      throw fault("The profiles.yml file at \(path) is empty")
    }
    guard let profile = profiles[name]?.objectValue else {
      let known = profiles.keys.filter { $0 != "config" }.map { " - \($0)" }.joined(separator: "\n")
      throw fault("Could not find profile named '\(name)'\nThe profiles in \(path) are:\n\(known)")
    }
    return try output(profile, profileName: name, target: target, threads: threads)
  }

  /// The flags that stand below `config:` in the file, where dbt had them before `flags:`; none of a file that cannot be read.
  func flags() -> PlainObject {
    guard let bytes = try? FileReader.read(folder + "/profiles.yml"),
      let document = try? YAMLDocument.parse(bytes, path: "profiles.yml")
    else { return [:] }
    return document["config"]?.objectValue ?? [:]
  }

  private func fault(_ message: String) -> ProjectError { ProjectError(.runtime, message, path: "profiles.yml") }

  private func output(
    _ profile: PlainObject, profileName: String, target: String?, threads: Int?
  ) throws(ProjectError) -> TargetProfile {
    let scope = secretScope()
    var targetName = "default"
    if let target {
      targetName = target
    } else if let given = profile["target"] {
      targetName = try render(given, scope, key: "target").plain.pythonText
    }
    guard let outputs = profile["outputs"]?.objectValue else {
      throw fault("outputs not specified in profile '\(profileName)'")
    }
    guard let raw = outputs[targetName] else {
      let names = outputs.keys.map { " - \($0)" }.joined(separator: "\n")
      throw fault(
        "The profile '\(profileName)' does not have a target named '\(targetName)'. The valid target names for this "
          + "profile "
          + "are:\n\(names)")
    }
    guard let members = raw.objectValue else {
      throw fault("output '\(targetName)' of profile '\(profileName)' is misconfigured in profiles.yml")
    }
    var values = PlainObject()
    var password: SharedSecret?
    for (key, value) in members {
      let name = key == "pass" ? "password" : key == "dbname" ? "database" : key
      let rendered = try render(value, scope, key: name)
      if name == "password" {
        password =
          rendered.secret ?? rendered.plain.stringValue.map { SharedSecret(copying: $0.utf8) }
          ?? (rendered.plain.isNull ? nil : SharedSecret(copying: rendered.plain.pythonText.utf8))
      } else if rendered.secret != nil {
        throw fault("the value of '\(key)' is a secret: secrets are allowed in 'password' only")
      } else {
        values[name] = rendered.plain
      }
    }
    let reader = OutputReader(values: values, profileName: profileName, targetName: targetName)
    return try reader.profile(password: password, threads: threads)
  }

  /// A scope in which `env_var` may read secrets.
  private func secretScope() -> DBTScope {
    var settings = DBTScope.Settings(invocation: invocation, registry: MacroRegistry(rootPackage: ""))
    settings.allowsSecrets = true
    settings.vars = VarSettings(values: invocation.vars)
    return DBTScope(settings)
  }

  private func render(
    _ value: PlainValue, _ scope: DBTScope, key: String
  ) throws(ProjectError) -> (plain: PlainValue, secret: SharedSecret?) {
    guard case .string(let text) = value, !DBTScope.isUnchangedByRendering(text) else { return (value, nil) }
    do {
      let rendered = try scope.renderNative(text, path: "profiles.yml").plain()
      guard case .string(let result) = rendered else { return (rendered, nil) }
      if let secret = try SecretPlaceholder.resolve(result, in: invocation.environment) { return (.null, secret) }
      return (rendered, nil)
    } catch {
      // A password may contain what looks like a template.
      if key == "password", !text.contains("env_var") { return (value, nil) }
      throw ProjectError(
        rendering: error, "Could not render the value of '\(key)' in profiles.yml: ", path: "profiles.yml")
    }
  }
}

/// Checks the keys of one output of a profile.
private struct OutputReader {
  let values: PlainObject
  let profileName: String
  let targetName: String

  private static let knownKeys: Set<String> = [
    "type", "host", "port", "user", "password", "password_file", "database", "schema", "threads", "connect_timeout",
    "role", "search_path", "keepalives_idle", "sslmode", "sslcert", "sslkey", "sslrootcert", "application_name",
    "autocommit", "retries",
  ]

  private func fault(_ message: String) -> ProjectError {
    ProjectError(
      .runtime, "Credentials in profile \"\(profileName)\", target \"\(targetName)\" invalid: \(message)",
      path: "profiles.yml")
  }

  func profile(password: SharedSecret?, threads: Int?) throws(ProjectError) -> TargetProfile {
    guard let type = values["type"] else {
      throw ProjectError(
        .runtime, "required field \"type\" not found in profile \(profileName) and target \(targetName)",
        path: "profiles.yml")
    }
    guard type == "postgres" else {
      throw fault("type '\(type.pythonText)' is not supported: Sallyport runs projects on postgres only")
    }
    let unknown = values.keys.filter { !OutputReader.knownKeys.contains($0) }
    guard unknown.isEmpty else {
      let names = unknown.map { "'\($0)'" }.joined(separator: ", ")
      let verb = unknown.count == 1 ? "was" : "were"
      throw fault("Additional properties are not allowed (\(names) \(verb) unexpected)")
    }
    var profile = TargetProfile(
      profileName: profileName, targetName: targetName, host: try required("host"), port: try number("port") ?? 5432,
      user: try required("user"), password: try secret(password), database: try required("database", asks: "dbname"),
      schema: try required("schema"))
    guard values["port"] != nil else { throw fault("'port' is a required property") }
    profile.passwordFile = try text("password_file")
    let ownThreads = try number("threads")
    profile.threads = threads ?? ownThreads ?? 1
    profile.connectTimeout = try number("connect_timeout") ?? 10
    profile.role = try text("role")
    profile.searchPath = try text("search_path")
    profile.keepalivesIdle = try number("keepalives_idle") ?? 0
    profile.sslmode = try text("sslmode")
    profile.sslcert = try text("sslcert")
    profile.sslkey = try text("sslkey")
    profile.sslrootcert = try text("sslrootcert")
    profile.applicationName = try text("application_name") ?? "dbt"
    profile.autocommit = values["autocommit"]?.boolValue ?? false
    profile.retries = try number("retries") ?? 1
    guard profile.threads > 0 else { throw fault("at path ['threads']: \(profile.threads) is less than 1") }
    return profile
  }

  private func secret(_ password: SharedSecret?) throws(ProjectError) -> SharedSecret? {
    guard let path = try text("password_file") else { return password }
    guard password == nil else { throw fault("'password' and 'password_file' cannot both be given") }
    do {
      return try SharedSecret.read(path: path)
    } catch {
      throw fault("password_file \(path): \(error)")
    }
  }

  private func text(_ key: String) throws(ProjectError) -> String? {
    guard let value = values[key], !value.isNull else { return nil }
    guard case .string(let text) = value else {
      throw fault("at path ['\(key)']: \(value.pythonRepresentation) is not of type 'string'")
    }
    return text
  }

  private func required(_ key: String, asks name: String? = nil) throws(ProjectError) -> String {
    // dbt takes numbers here too, as YAML makes of a schema named 2024.
    if case .int(let number)? = values[key] { return String(number) }
    guard let text = try text(key), !text.isEmpty else { throw fault("'\(name ?? key)' is a required property") }
    return text
  }

  private func number(_ key: String) throws(ProjectError) -> Int? {
    guard let value = values[key], !value.isNull else { return nil }
    if let number = value.intValue ?? value.stringValue.flatMap({ Int($0.trimmed) }) { return number }
    throw fault("at path ['\(key)']: \(value.pythonRepresentation) is not of type 'integer'")
  }
}
