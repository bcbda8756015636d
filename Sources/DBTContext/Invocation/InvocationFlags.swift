import OrderedCollections
package import PlainData

/// The flags of a run, under the upper-case names that templates use (`flags.FULL_REFRESH`).
package struct InvocationFlags: Sendable, Equatable {
  /// Every flag; starts with dbt's defaults.
  package var values: PlainObject

  /// dbt's defaults with the given values laid over them. Names may be in any case.
  package init(_ values: PlainObject = [:]) {
    self.values = InvocationFlags.defaults
    for (name, value) in values { self.values[name.uppercased()] = value }
  }

  package subscript(_ name: String) -> PlainValue? {
    get { values[name] }
    set { values[name] = newValue }
  }

  private func isOn(_ name: String) -> Bool { values[name]?.boolValue ?? false }

  package var fullRefresh: Bool { isOn("FULL_REFRESH") }
  package var storeFailures: Bool { isOn("STORE_FAILURES") }
  package var failFast: Bool { isOn("FAIL_FAST") }
  package var isEmptyRun: Bool { isOn("EMPTY") }
  package var warnError: Bool { isOn("WARN_ERROR") }
  package var quiet: Bool { isOn("QUIET") }
  /// Whether `print()` writes anything.
  package var prints: Bool { values["PRINT"]?.boolValue ?? true }
  /// The command: `run`, `build`, `test` …
  package var which: String { values["WHICH"]?.stringValue ?? "" }
  package var indirectSelection: String { values["INDIRECT_SELECTION"]?.stringValue ?? "eager" }

  /// dbt 1.12's values when nothing is said.
  private static let defaults: PlainObject = [
    "CACHE_SELECTED_ONLY": false, "DEBUG": false, "DEFER": false, "DEFER_STATE": nil, "EMPTY": false, "EXCLUDE": [],
    "FAIL_FAST": false, "FAVOR_STATE": false, "FULL_REFRESH": false, "INDIRECT_SELECTION": "eager", "INTROSPECT": true,
    "INVOCATION_COMMAND": "", "LOG_CACHE_EVENTS": false, "LOG_FILE_MAX_BYTES": 10_485_760, "LOG_FORMAT": "default",
    "LOG_FORMAT_FILE": "debug", "LOG_LEVEL": "info", "LOG_LEVEL_FILE": "debug", "LOG_PATH": "logs",
    "MACRO_DEBUGGING": false, "MAXIMUM_SEED_SIZE_MIB": 1, "NO_PRINT": nil, "PARTIAL_PARSE": true,
    "PARTIAL_PARSE_FILE_DIFF": true, "POPULATE_CACHE": true, "PRINT": true, "PRINTER_WIDTH": 80, "PROFILE": nil,
    "PROFILES_DIR": "", "PROJECT_DIR": "", "QUIET": false, "RESOURCE_TYPES": [], "SAMPLE": nil, "SELECT": [],
    "SELECTOR": nil, "SEND_ANONYMOUS_USAGE_STATS": false, "SHOW_RESOURCE_REPORT": false, "SINGLE_THREADED": false,
    "STATE": nil, "STATIC_PARSER": true, "STORE_FAILURES": false, "TARGET": nil, "TARGET_PATH": nil, "THREADS": nil,
    "UPLOAD_TO_ARTIFACTS_INGEST_API": false, "USE_COLORS": true, "USE_COLORS_FILE": true,
    "USE_EXPERIMENTAL_PARSER": false, "USE_FAST_TEST_EDGES": false, "VARS": [:], "VERSION_CHECK": true,
    "WARN_ERROR": false, "WARN_ERROR_OPTIONS": ["error": [], "warn": [], "silence": []], "WHICH": "",
    "WRITE_JSON": true,
  ]
}
