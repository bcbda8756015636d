/// The codes of dbt's events, which its structured log lines carry beside the name.
package enum EventCode {
  /// The code of an event; that of a plain note for names which have none here.
  package static func of(_ name: String) -> String { codes[name] ?? "Z050" }

  private static let codes = [
    "AdapterRegistered": "E034", "ArtifactWritten": "P001", "CatchableExceptionOnRun": "W002",
    "CheckCleanPath": "Z012", "CheckNodeTestFailure": "Z027", "CommandCompleted": "Q039", "CompiledNode": "Q042",
    "ConcurrencyLine": "Q027", "ConfirmCleanPath": "Z013", "ConnectionClosed": "E010", "ConnectionUsed": "E015",
    "DebugCmdOut": "Z047", "DebugCmdResult": "Z048", "DeprecatedModel": "I065", "EndOfRunSummary": "Z030",
    "EndRunResult": "Q037", "FinishedCleanPaths": "Z015", "FinishedRunningStats": "E047", "Formatting": "Z017",
    "FoundStats": "W006", "GenericExceptionOnRun": "W004", "InternalErrorOnRun": "W003", "JinjaLogDebug": "I063",
    "JinjaLogInfo": "I062", "JinjaLogWarning": "I061", "ListCmdOut": "Z049", "LogBatchResult": "Q046",
    "LogCancelLine": "Q022", "LogFreshnessResult": "Q018", "LogFunctionResult": "Q047", "LogHookEndLine": "Q033",
    "LogHookStartLine": "Q032", "LogModelResult": "Q012", "LogNodeNoOpResult": "Q019", "LogSeedResult": "Q016",
    "LogSkipBecauseError": "Z034", "LogSnapshotResult": "Q015", "LogStartBatch": "Q045", "LogStartLine": "Q011",
    "LogTestResult": "Q007", "MainEncounteredError": "Z002", "MainReportArgs": "A002", "MainReportVersion": "A001",
    "MainStackTrace": "Z003", "MarkSkippedChildren": "Z033", "NewConnection": "E005", "NewConnectionOpening": "E037",
    "NoNodesForSelectionCriteria": "M030", "NoNodesSelected": "Q038", "NodeCompiling": "Q030",
    "NodeExecuting": "Q031", "NodeFinished": "Q025", "NodeNotFoundOrDisabled": "I060", "NodeStart": "Q024",
    "Note": "Z050", "NothingToDo": "Q035", "ParsePerfInfoPath": "I010", "PrintEvent": "Z052",
    "ResourceReport": "Z051", "Rollback": "E012", "RunResultError": "Z024", "RunResultErrorNoMessage": "Z025",
    "RunResultFailure": "Z022", "RunResultWarning": "Z021", "RunResultWarningMessage": "Z046",
    "RunningOperationCaughtError": "Q001", "RunningOperationUncaughtError": "Q036", "SQLCommit": "E018",
    "SQLCompiledPath": "Z026", "SQLQuery": "E016", "SQLQueryStatus": "E017", "SeedHeader": "Q004",
    "ShowNode": "Q041", "SkippingDetails": "Q034", "SnapshotTimestampWarning": "Q043", "StatsLine": "Z023",
    "UnusedResourceConfigPath": "I051", "UpcomingReferenceDeprecation": "I066",
  ]
}

/// The name of the thread that works, as dbt's lines and results show it.
package enum WorkThread {
  /// `MainThread`, or `Thread-1 (worker)` inside of `named`.
  @TaskLocal package static var name = "MainThread"

  /// Runs the body under a name.
  package static func named<R>(_ name: String, _ body: () throws -> R) rethrows -> R {
    try $name.withValue(name, operation: body)
  }
}
