import OrderedCollections
package import PlainData

/// The flags that a project sets below `flags:`.
package enum ProjectFlags {
  /// The flags as dbt takes them: none at all when the value of any has the wrong type. Names that dbt does not know are
  /// kept.
  package static func accepted(_ flags: PlainObject) -> PlainObject {
    flags.allSatisfy { isAcceptable($0.key, $0.value) } ? flags : [:]
  }

  private static func isAcceptable(_ name: String, _ value: PlainValue) -> Bool {
    if switches.contains(name) || name.hasPrefix("state_modified_compare_") { return value.boolValue != nil }
    if value.isNull { return true }
    if options.contains(name) { return value.boolValue != nil }
    if texts.contains(name) { return value.stringValue != nil }
    if numbers.contains(name) { return value.intValue != nil }
    guard name == "warn_error_options" else { return true }
    return value.objectValue?.values.allSatisfy { entry in
      entry.stringValue != nil || entry.arrayValue?.allSatisfy { $0.stringValue != nil } ?? false
    } ?? false
  }

  /// Flags that are on or off.
  private static let switches: Set<String> = [
    "send_anonymous_usage_stats", "require_batched_execution_for_custom_microbatch_strategy",
    "require_event_names_in_deprecations", "require_explicit_package_overrides_for_builtin_materializations",
    "require_resource_names_without_spaces", "source_freshness_run_project_hooks", "skip_nodes_if_on_run_start_fails",
    "require_yaml_configuration_for_mf_time_spines", "require_nested_cumulative_type_params", "validate_macro_args",
    "require_all_warnings_handled_by_warn_error", "require_generic_test_arguments_property",
    "require_unique_project_resource_names", "require_ref_searches_node_package_before_root",
    "require_valid_schema_from_generate_schema_name", "allow_jinja_file_extensions",
    "require_sql_header_in_test_configs", "support_custom_ref_kwargs", "require_corrected_analysis_fqns",
    "require_source_and_semantic_model_names_without_spaces", "enable_grouped_warn_error_parser_logs",
    "use_catalogs_v2", "latest_version_pointer_enabled_by_default",
  ]
  /// Flags that are on, off or not said.
  private static let options: Set<String> = [
    "cache_selected_only", "debug", "fail_fast", "hints_enabled", "partial_parse", "populate_cache",
    "snowflake_projects_otel", "static_parser", "use_colors", "use_colors_file", "use_experimental_parser",
    "use_v2_parser", "version_check", "warn_error", "write_json",
  ]
  private static let texts: Set<String> = [
    "indirect_selection", "log_format", "log_format_file", "log_level", "log_level_file", "v2_parser",
  ]
  private static let numbers: Set<String> = ["maximum_seed_size_mib", "printer_width"]
}
