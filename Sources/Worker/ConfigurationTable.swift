/// Every variable that the worker and the client know. Order is the README's.
extension Setting {
  /// All of them.
  package static let all: [Setting] =
    schedulerSettings + oauthSettings + networkSettings + projectSettings + artifactSettings + tuningSettings
    + operationSettings + confinementSettings

  /// The names whose values must be taken out of the environment at the start.
  package static let secretNames = Set(all.filter(\.isSecret).flatMap { [$0.name] + $0.aliases })

  // MARK: Scheduler

  static let temporalAddress = Setting(
    "TEMPORAL_ADDRESS", .scheduler, .address, standard: "localhost:7233", example: "scheduler.example:7233",
    "The scheduler's front end: `host:port`, `[::1]:7233`, `https://host:port`, `http://host:port` for plaintext, several "
      + "of these between commas, or `unix:/path`.")
  static let temporalNamespace = Setting(
    "TEMPORAL_NAMESPACE", .scheduler, .text, standard: "default", "The namespace that holds the runs.")
  static let temporalTaskQueue = Setting(
    "TEMPORAL_TASK_QUEUE", .scheduler, .text, standard: "dbt-tasks", "The task queue that is polled and submitted to.")
  static let temporalTLS = Setting(
    "TEMPORAL_TLS", .scheduler, .choice(["auto", "on", "off"]), standard: "auto",
    "`auto`: TLS unless the host is this machine and no credential is set. `off` is the only way to plaintext elsewhere."
  )
  static let temporalTLSCA = Setting(
    "TEMPORAL_TLS_CA", .scheduler, .fileOrFolder, example: "/certs/ca.crt",
    "PEM file, or a folder of them, of the authorities that may vouch for the scheduler; the system's are then not "
      + "trusted."
  )
  static let temporalTLSServerName = Setting(
    "TEMPORAL_TLS_SERVER_NAME", .scheduler, .text, example: "scheduler.example",
    "The name asked for (SNI) and demanded of the certificate, when it is not the host of the address.")
  static let temporalTLSCert = Setting(
    "TEMPORAL_TLS_CERT", .scheduler, .file, example: "/certs/tls.crt",
    "PEM file of the client certificate, leaf first. Needs `TEMPORAL_TLS_KEY`.")
  static let temporalTLSKey = Setting(
    "TEMPORAL_TLS_KEY", .scheduler, .file, example: "/certs/tls.key",
    "PEM file of the client certificate's private key.")
  static let temporalTLSKeyPassphraseFile = Setting(
    "TEMPORAL_TLS_KEY_PASSPHRASE_FILE", .scheduler, .file, example: "/secrets/passphrase",
    "File with the passphrase of an encrypted key. One line end at its end is dropped.")
  static let temporalAPIKey = Setting(
    "TEMPORAL_API_KEY", .scheduler, .text, example: "the key as the scheduler's operator gave it", isSecret: true,
    "Sent as `authorization: Bearer …`, over TLS only. A file is read again when it changes.")

  private static let schedulerSettings: [Setting] = [
    temporalAddress, temporalNamespace, temporalTaskQueue, temporalTLS, temporalTLSCA, temporalTLSServerName,
    temporalTLSCert, temporalTLSKey, temporalTLSKeyPassphraseFile, temporalTLSPKCS12, temporalTLSCAAppendSystem,
    temporalTLSPartialChain, temporalTLSCRL, temporalTLSCRLPolicy, temporalTLSPins, temporalTLSSPIFFEID,
    temporalTLSRequireCertRequest, temporalTLSStrictReverify, temporalTLSAuthority, fips, temporalAPIKey,
    Setting(
      "TEMPORAL_DEPLOYMENT_NAME", .scheduler, .text, availability: .later(harmless: []),
      "Worker deployment versioning."),
    Setting(
      "TEMPORAL_SEARCH_ATTRIBUTES", .scheduler, .text, availability: .later(harmless: ["{}"]),
      "Search attributes of each run."),
    Setting(
      "TEMPORAL_PRIORITY_SCHEDULING", .scheduler, .flag, availability: .later(harmless: falseWords),
      "Priorities of node activities."),
    Setting(
      "NEXUS_ENABLED", .scheduler, .flag, availability: .later(harmless: falseWords), "Nexus operations."),
    Setting(
      "SALLYPORT_CODEC_KEYRING", .scheduler, .folder, availability: .later(harmless: []), "Payload encryption."),
  ]

  // MARK: Projects

  static let dbtProjectDirs = Setting(
    "DBT_PROJECT_DIRS", .projects, .folders, example: "/projects/sales,/projects/finance",
    "Project folders between commas; `${NAME}` is replaced by that variable. Remote sources (`git+`, `s3://`, `gs://`) "
      + "are refused in this version.")
  static let dbtProjectsDir = Setting(
    "DBT_PROJECTS_DIR", .projects, .folder, example: "/projects",
    "A folder whose immediate sub-folders with a `dbt_project.yml` are the projects.")
  static let dbtProjectDir = Setting(
    "DBT_PROJECT_DIR", .projects, .folder, example: "/project",
    "One project folder. The first of these three that is set counts; with none, the working folder or its sub-folders."
  )
  static let dbtProfilesDir = Setting(
    "DBT_PROFILES_DIR", .projects, .folder, example: "/profiles",
    "The folder with `profiles.yml`. Unset: each project's own folder.")
  static let dbtTarget = Setting(
    "DBT_TARGET", .projects, .text, example: "prod", "The target used when a run names none. Unset: the profile's own.")
  static let macros = Setting(
    "SALLYPORT_MACROS", .projects, .folder, example: "/usr/share/sallyport/macros",
    "The folder with dbt's macro packages `dbt` and `dbt_postgres`. Unset: "
      + "`../share/sallyport/macros` beside the binary, then `.cache/macros` here or above.")

  private static let projectSettings: [Setting] = [
    dbtProjectDirs, dbtProjectsDir, dbtProjectDir, dbtProfilesDir, dbtTarget, macros,
  ]

  // MARK: Artifacts

  static let writeArtifacts = Setting(
    "WRITE_ARTIFACTS", .artifacts, .flag, standard: "false",
    "Store `manifest.json`, `run_results.json` and the log of each run.")
  static let artifactStore = Setting(
    "ARTIFACT_STORE", .artifacts, .folder, standard: "/tmp/dbt-artifacts",
    "The folder for artifacts, a sub-folder a run. `s3://` and `gs://` are refused in this version.")
  static let writeRunLog = Setting(
    "WRITE_RUN_LOG", .artifacts, .flag, standard: "true", "Store `log.txt` with the artifacts.")

  private static let artifactSettings: [Setting] = [
    writeArtifacts, artifactStore, writeRunLog,
    Setting(
      "WRITE_CATALOG", .artifacts, .flag, availability: .later(harmless: falseWords), "Store `catalog.json`."),
  ]

  /// The words that mean false, and true, in any case of letters.
  static let falseWords = ["false", "0", "no", "off"]
  /// The words that mean true, in any case of letters.
  static let trueWords = ["true", "1", "yes", "on"]
}
