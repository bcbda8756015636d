import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// `ref`: a function that packages also ask for the configuration of the run (`builtins.ref.config`), since dbt's own object
/// has it as an attribute.
final class ReferenceFunction: Object {
  private let project: LoadedProject
  private let invocation: Invocation
  private let body: NativeFunction.Body

  init(_ project: LoadedProject, _ invocation: Invocation, _ body: @escaping NativeFunction.Body) {
    self.project = project
    self.invocation = invocation
    self.body = body
  }

  var typeName: String { "RuntimeRefResolver" }
  var kinds: ValueKinds { .callable }
  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value { try body(arguments, evaluation) }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "config": .object(RuntimeConfigObject(project, project.project, invocation))
    case "current_project": .string(project.project.name)
    default: nil
    }
  }
}

/// dbt's configuration of a project, or of a package, joined with the profile: what `dbt_project.yml` says, the target
/// without its credentials, the command's arguments, and every package under `dependencies`.
final class RuntimeConfigObject: Object {
  private let project: LoadedProject
  private let config: ProjectConfig
  private let invocation: Invocation

  init(_ project: LoadedProject, _ config: ProjectConfig, _ invocation: Invocation) {
    self.project = project
    self.config = config
    self.invocation = invocation
  }

  var typeName: String { "RuntimeConfig" }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "dependencies":
      let packages = DictObject()
      for (name, config) in project.packages {
        packages[name] = .object(RuntimeConfigObject(project, config, invocation))
      }
      return .dict(packages)
    case "vars": return .object(VarProviderObject(config.vars))
    case "args": return .object(ArgumentsObject(invocation))
    default: return plainAttribute(name).map { Value($0) }
    }
  }

  private func plainAttribute(_ name: String) -> PlainValue? {
    let profile = project.profile
    return switch name {
    case "project_name": .string(config.name)
    case "version": .optional(config.version)
    case "project_root": .string(config.root)
    case "profile_name": .string(profile.profileName)
    case "target_name": .string(profile.targetName)
    case "threads": .int(profile.threads)
    case "cli_vars": .object(invocation.vars)
    case "model_paths": .strings(config.modelPaths)
    case "seed_paths": .strings(config.seedPaths)
    case "test_paths": .strings(config.testPaths)
    case "analysis_paths": .strings(config.analysisPaths)
    case "macro_paths": .strings(config.macroPaths)
    case "snapshot_paths": .strings(config.snapshotPaths)
    case "function_paths": .strings(config.functionPaths)
    case "docs_paths": .strings(config.docsPaths)
    case "target_path": .string(config.targetPath)
    case "log_path": .string(config.logPath)
    case "clean_targets": .strings(config.cleanTargets)
    case "packages_install_path": .string(config.packagesInstallPath)
    case "quoting": .object(config.quoting)
    case "on_run_start": .strings(config.onRunStart)
    case "on_run_end": .strings(config.onRunEnd)
    case "dispatch": .array(config.dispatch)
    case "flags": .object(config.flags)
    case "restrict_access": .bool(config.restrictsAccess)
    default:
      (config.sections[name] ?? config.sections[name.replacing("_", with: "-")]).map { .object($0) }
    }
  }
}

/// The vars of a project as its file has them.
private final class VarProviderObject: Object {
  private let vars: PlainObject

  init(_ vars: PlainObject) { self.vars = vars }

  var typeName: String { "VarProvider" }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "vars": Value(.object(vars))
    case "to_dict": .function(name) { [vars] _, _ in Value(.object(vars)) }
    default: nil
    }
  }
}

/// The arguments of the command as attributes.
private final class ArgumentsObject: Object {
  private let invocation: Invocation

  init(_ invocation: Invocation) { self.invocation = invocation }

  var typeName: String { "Namespace" }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    name == "vars" ? Value(.object(invocation.vars)) : invocation.flags[name.uppercased()].map { Value($0) }
  }
}
