package import OrderedCollections
import PlainData
import Synchronization

/// What of dbt's deprecated features an invocation has met: each is told the first time and counted every time.
///
/// Used from any thread. Holds one number for each of dbt's kinds.
package final class Deprecations: Sendable {
  private let counts = Mutex<OrderedDictionary<String, Int>>([:])

  package init() {}

  /// Counts an occurrence; answers whether it is the first of its event.
  package func isFirst(_ event: String) -> Bool {
    counts.withLock { counts in
      counts[event, default: 0] += 1
      return counts[event] == 1
    }
  }

  /// Takes one occurrence back.
  func forget(_ event: String) {
    counts.withLock { counts in
      let rest = (counts[event] ?? 1) - 1
      if rest > 0 { counts[event] = rest } else { counts.removeValue(forKey: event) }
    }
  }

  /// How often each event was met, in the order of their first occurrences.
  package var occurrences: OrderedDictionary<String, Int> { counts.withLock { $0 } }

  /// Whether an event tells of a deprecation.
  package static func include(_ event: String) -> Bool {
    event.hasSuffix("Deprecation") && !uncounted.contains(event) && event != "UpcomingReferenceDeprecation"
      || unnamed.contains(event) || plain.contains(event)
  }

  /// Whether `Deprecations` in `warn_error_options` means an event too.
  package static func areMeant(_ event: String) -> Bool {
    include(event) || uncounted.contains(event) || event == "DeprecationsSummary"
  }

  /// Events that dbt does not name in their texts.
  private static let unnamed: Set<String> = [
    "PackageRedirectDeprecation", "PackageInstallPathDeprecation", "ConfigSourcePathDeprecation",
    "ConfigDataPathDeprecation", "MetricAttributesRenamed", "ExposureNameDeprecation", "EnvironmentVariableRenamed",
    "ConfigLogPathDeprecation", "ConfigTargetPathDeprecation", "ProjectFlagsMovedDeprecation",
  ]

  /// Events that dbt tells as any other warning.
  private static let plain: Set<String> = [
    "ResourceNamesWithSpacesDeprecation", "PackageMaterializationOverrideDeprecation",
    "SourceFreshnessProjectHooksNotRun", "MFTimespineWithoutYamlConfigurationDeprecation",
    "MFCumulativeTypeParamsDeprecation", "MicrobatchMacroOutsideOfBatchesDeprecation",
  ]

  /// Events of which dbt warns as often as it meets them.
  private static let uncounted: Set<String> = ["SpacesInResourceNameDeprecation"]

  /// The text of an event as dbt prints it, wrapped to the width that the flags say.
  static func text(_ event: String, _ description: String, _ flags: InvocationFlags) -> String {
    // dbt counts the escape sequences around the mark as width.
    let hidden = flags["USE_COLORS"]?.boolValue ?? true ? "\u{1B}[33m\u{1B}[0m".unicodeScalars.count : 0
    let width = max(1, flags["PRINTER_WIDTH"]?.intValue ?? 80)
    let head =
      if plain.contains(event) || uncounted.contains(event) {
        "[WARNING]: "
      } else if unnamed.contains(event) {
        "[WARNING]: Deprecated functionality\n\n"
      } else {
        "[WARNING][\(event)]: Deprecated functionality\n\n"
      }
    // dbt tells of this one before it knows the width.
    if event == "ProjectFlagsMovedDeprecation" { return head + description }
    return WrappedText(width: width, hidden: hidden).wrapped(head + description)
  }
}

extension Invocation {
  /// Counts something deprecated that was met, and warns of it when it is the first of its kind or all are wanted.
  ///
  /// - Throws: `DBTError` for a warning that counts as an error.
  package func deprecate(_ event: String, _ description: String) throws(DBTError) {
    guard Deprecations.include(event) else {
      return try warn(Deprecations.text(event, description, flags), event: event, node: nil)
    }
    guard deprecations.isFirst(event) || flags["SHOW_ALL_DEPRECATIONS"]?.boolValue ?? false else { return }
    do throws(DBTError) {
      try warn(Deprecations.text(event, description, flags), event: event, node: nil)
    } catch {
      // dbt does not count what ended the command.
      deprecations.forget(event)
      throw error
    }
  }

  /// What dbt says of deprecations when a command has ended; nil when there were none.
  ///
  /// - Throws: as `deprecate`.
  package func warnOfDeprecations() throws(DBTError) {
    let occurrences = deprecations.occurrences
    guard !occurrences.isEmpty else { return }
    var lines = ["Summary of encountered deprecations:"]
    lines += occurrences.map { "- \($0.key): \($0.value) occurrence\($0.value == 1 ? "" : "s")" }
    if !(flags["SHOW_ALL_DEPRECATIONS"]?.boolValue ?? false) {
      lines.append(
        "To see all deprecation instances instead of just the first occurrence of each, run command again with the "
          + "`--show-all-deprecations` flag. You may also need to run with `--no-partial-parse` as some deprecations are "
          + "only encountered during parsing.")
    }
    let event = "DeprecationsSummary"
    try warn(Deprecations.text(event, lines.joined(separator: "\n\n"), flags), event: event, node: nil)
  }
}
