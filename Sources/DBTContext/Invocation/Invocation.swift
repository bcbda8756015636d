import OrderedCollections
package import PlainData
package import Secrets

/// The settings of one run that templates can see: vars, environment, flags, target, identity, where lines go.
///
/// Two invocations may run at the same time in one process with different values; nothing here is global.
package struct Invocation: Sendable {
  /// `--vars`.
  package var vars: PlainObject
  /// The only source of `env_var()`. Variables named `DBT_ENV_SECRET_…` are among its secrets, never its values.
  package private(set) var environment: ProcessEnvironment
  package var flags: InvocationFlags
  /// nil while the profile itself is being read.
  package var target: TargetProfile?
  /// A UUID in text form.
  package var invocationID: String
  package var startedAt: PythonDateTime
  /// Receives what templates log and print, already scrubbed. Called from any thread.
  package var sink: @Sendable (LogLine) -> Void
  /// The version of dbt that templates and artifacts see.
  package var dbtVersion = "1.12.6"
  /// What was met of deprecated features; shared by all copies.
  package var deprecations = Deprecations()
  /// Replaces the values of secrets in texts.
  package let scrubber: SecretScrubber

  /// Variables of the environment with this prefix are secrets.
  package static let secretPrefix = "DBT_ENV_SECRET_"
  private static let customPrefix = "DBT_ENV_CUSTOM_ENV_"

  /// The variables that artifacts record: those named `DBT_ENV_CUSTOM_ENV_…`, under what follows, in the order of names.
  package var customEnvironment: PlainObject {
    let prefix = Invocation.customPrefix
    let found = environment.values.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
    return PlainObject(found.map { (String($0.key.dropFirst(prefix.count)), .string($0.value)) }) { _, last in last }
  }

  package init(
    vars: PlainObject = [:], environment: ProcessEnvironment, flags: InvocationFlags = InvocationFlags(),
    target: TargetProfile? = nil, invocationID: String, startedAt: PythonDateTime,
    secrets: [SharedSecret] = [], sink: @escaping @Sendable (LogLine) -> Void
  ) {
    let environment = Invocation.separated(environment)
    self.vars = vars
    self.environment = environment
    self.flags = flags
    self.target = target
    self.invocationID = invocationID
    self.startedAt = startedAt
    self.sink = sink
    let named = environment.secrets.filter { $0.key.hasPrefix(Invocation.secretPrefix) }.map(\.value)
    self.scrubber = SecretScrubber(named + secrets + (target?.password.map { [$0] } ?? []))
  }

  /// Sends a line to the sink, scrubbed.
  package func log(_ line: LogLine) {
    var line = line
    line.message = scrubber.scrub(line.message)
    sink(line)
  }

  /// Moves secret variables from the values to the secrets.
  private static func separated(_ environment: ProcessEnvironment) -> ProcessEnvironment {
    let found = environment.values.filter { $0.key.hasPrefix(secretPrefix) }
    guard !found.isEmpty else { return environment }
    var secrets = environment.secrets
    for (name, value) in found where !value.isEmpty { secrets[name] = SharedSecret(copying: value.utf8) }
    return ProcessEnvironment(values: environment.values.filter { !$0.key.hasPrefix(secretPrefix) }, secrets: secrets)
  }
}
