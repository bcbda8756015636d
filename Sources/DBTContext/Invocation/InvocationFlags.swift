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
  /// Whether the templates of nodes may ask the database (`--introspect`).
  package var introspects: Bool { values["INTROSPECT"]?.boolValue ?? true }
  /// The command: `run`, `build`, `test` …
  package var which: String { values["WHICH"]?.stringValue ?? "" }
  package var indirectSelection: String { values["INDIRECT_SELECTION"]?.stringValue ?? "eager" }

  /// The flags as dbt lists them among the arguments of a command, under lower-case names: those with a value, some only when
  /// they are on, lists only when something is in them.
  package var arguments: PlainObject {
    argumentsWhetherOnOrOff.filter { !InvocationFlags.absentWhenOff.contains($0) || $1.boolValue != false }
  }

  /// `arguments` and those that are off.
  package var argumentsWhetherOnOrOff: PlainObject {
    var members = PlainObject()
    for (name, value) in values where !value.isNull && !(value.arrayValue?.isEmpty ?? false) {
      members[name.lowercased()] = value
    }
    return members
  }

  private static let absentWhenOff: Set<String> = [
    "debug", "full_refresh", "fail_fast", "warn_error", "single_threaded", "log_cache_events", "store_failures",
    "use_experimental_parser",
  ]

  /// dbt 1.12's values when nothing is said, behaviour flags among them; usage statistics are off.
  private static let defaults: PlainObject = [
    "ALLOW_JINJA_FILE_EXTENSIONS": false, "CACHE_SELECTED_ONLY": false, "DEBUG": false, "DEFER": false,
    "DEFER_STATE": nil, "ENABLE_GROUPED_WARN_ERROR_PARSER_LOGS": false, "EVENT_TIME_END": nil,
    "EVENT_TIME_START": nil, "EXCLUDE": [], "FAIL_FAST": false, "FAVOR_STATE": false, "FULL_REFRESH": false,
    "HINTS_ENABLED": true, "INDIRECT_SELECTION": "eager", "INTROSPECT": true, "INVOCATION_COMMAND": "",
    "LATEST_VERSION_POINTER_ENABLED_BY_DEFAULT": false, "LOG_CACHE_EVENTS": false, "LOG_FILE_MAX_BYTES": 10_485_760,
    "LOG_FORMAT": "default", "LOG_FORMAT_FILE": "debug", "LOG_LEVEL": "info", "LOG_LEVEL_FILE": "debug",
    "LOG_PATH": "logs", "MACRO_DEBUGGING": false, "MAXIMUM_SEED_SIZE_MIB": 1, "PARTIAL_PARSE": true,
    "PARTIAL_PARSE_FILE_DIFF": true, "PARTIAL_PARSE_FILE_PATH": nil, "POPULATE_CACHE": true, "PRINT": true,
    "PRINTER_WIDTH": 80, "PROFILE": nil, "PROFILES_DIR": "", "PROJECT_DIR": "", "QUIET": false,
    "RECORD_TIMING_INFO": nil, "REQUIRE_ALL_WARNINGS_HANDLED_BY_WARN_ERROR": true,
    "REQUIRE_BATCHED_EXECUTION_FOR_CUSTOM_MICROBATCH_STRATEGY": true, "REQUIRE_CORRECTED_ANALYSIS_FQNS": false,
    "REQUIRE_EXPLICIT_PACKAGE_OVERRIDES_FOR_BUILTIN_MATERIALIZATIONS": true,
    "REQUIRE_GENERIC_TEST_ARGUMENTS_PROPERTY": true, "REQUIRE_NESTED_CUMULATIVE_TYPE_PARAMS": true,
    "REQUIRE_REF_SEARCHES_NODE_PACKAGE_BEFORE_ROOT": false, "REQUIRE_RESOURCE_NAMES_WITHOUT_SPACES": true,
    "REQUIRE_SOURCE_AND_SEMANTIC_MODEL_NAMES_WITHOUT_SPACES": false, "REQUIRE_SQL_HEADER_IN_TEST_CONFIGS": false,
    "REQUIRE_UNIQUE_PROJECT_RESOURCE_NAMES": false, "REQUIRE_VALID_SCHEMA_FROM_GENERATE_SCHEMA_NAME": false,
    "REQUIRE_YAML_CONFIGURATION_FOR_MF_TIME_SPINES": true, "RESOURCE_TYPES": [], "SAMPLE": nil, "SELECT": [],
    "SELECTOR": nil, "SEND_ANONYMOUS_USAGE_STATS": false, "SHOW_ALL_DEPRECATIONS": false,
    "SHOW_RESOURCE_REPORT": false, "SINGLE_THREADED": false, "SKIP_NODES_IF_ON_RUN_START_FAILS": true,
    "SOURCE_FRESHNESS_RUN_PROJECT_HOOKS": true, "STATE": nil, "STATE_MODIFIED_COMPARE_MORE_UNRENDERED_VALUES": true,
    "STATE_MODIFIED_COMPARE_VARS": false, "STATIC_PARSER": true, "STORE_FAILURES": false, "STRICT_MODE": false,
    "SUPPORT_CUSTOM_REF_KWARGS": false, "TARGET": nil, "TARGET_PATH": nil, "THREADS": nil,
    "UPLOAD_TO_ARTIFACTS_INGEST_API": false, "USE_CATALOGS_V2": false, "USE_COLORS": true, "USE_COLORS_FILE": true,
    "USE_EXPERIMENTAL_PARSER": false, "USE_FAST_TEST_EDGES": false, "USE_V2_PARSER": false,
    "VALIDATE_MACRO_ARGS": true, "VARS": [:], "VERSION_CHECK": true, "WARN_ERROR": nil,
    "WARN_ERROR_OPTIONS": ["error": [], "warn": [], "silence": []], "WHICH": "", "WRITE_JSON": true,
  ]
}
