package import DBTContext
import OrderedCollections
import PlainData

/// dbt's behaviour flags, which a project sets below `flags:` and nothing else does.
package enum BehaviourFlag: String, CaseIterable, Sendable {
  case batchesCustomMicrobatch = "require_batched_execution_for_custom_microbatch_strategy"
  case refusesPackageMaterializations = "require_explicit_package_overrides_for_builtin_materializations"
  case refusesBlanksInNames = "require_resource_names_without_spaces"
  case refusesBlanksInSourceNames = "require_source_and_semantic_model_names_without_spaces"
  case runsHooksWithFreshness = "source_freshness_run_project_hooks"
  case skipsNodesAfterFailedStart = "skip_nodes_if_on_run_start_fails"
  case comparesUnrenderedValues = "state_modified_compare_more_unrendered_values"
  case comparesVars = "state_modified_compare_vars"
  case requiresTimeSpineProperties = "require_yaml_configuration_for_mf_time_spines"
  case requiresNestedCumulativeParameters = "require_nested_cumulative_type_params"
  case checksMacroArguments = "validate_macro_args"
  case handlesAllWarnings = "require_all_warnings_handled_by_warn_error"
  case nestsTestArguments = "require_generic_test_arguments_property"
  case refusesEqualNames = "require_unique_project_resource_names"
  case searchesOwnPackageFirst = "require_ref_searches_node_package_before_root"
  case requiresSchema = "require_valid_schema_from_generate_schema_name"
  case takesTemplateEndings = "allow_jinja_file_extensions"
  case takesHeadersOfTests = "require_sql_header_in_test_configs"
  case takesOwnReferenceArguments = "support_custom_ref_kwargs"
  case placesAnalysesAsTheyLie = "require_corrected_analysis_fqns"
  case groupsWarnings = "enable_grouped_warn_error_parser_logs"
  case usesCatalogs = "use_catalogs_v2"
  case pointsToLatestVersions = "latest_version_pointer_enabled_by_default"

  /// What dbt 1.12 takes when the project says nothing.
  package var standard: Bool { Self.defaults[rawValue.uppercased()]?.boolValue ?? false }

  private static let defaults = InvocationFlags()
}

extension ProjectConfig {
  /// Whether a behaviour flag is on. Only the root project's flags count.
  package func isOn(_ flag: BehaviourFlag) -> Bool { flags[flag.rawValue]?.boolValue ?? flag.standard }
}

extension InvocationFlags {
  /// The same with the behaviour flags of the root project.
  package func taking(_ project: ProjectConfig) -> InvocationFlags {
    var copy = self
    for flag in BehaviourFlag.allCases { copy[flag.rawValue.uppercased()] = .bool(project.isOn(flag)) }
    return copy
  }
}
