"""Which classes of dbt-tests-adapter apply to PostgreSQL, and what some of them need from us.

Each entry becomes a class `Test_<module>__<Base>`; the base classes stay in their package, nothing of them is copied.
"""

from __future__ import annotations

import dataclasses
import importlib

import pytest

import overrides


@dataclasses.dataclass
class Entry:
    """Base classes of one file below `dbt.tests.adapter`."""

    file: str
    bases: list[str]
    # Mixed in before the base.
    mixin: type | None = None
    # Set when the whole class is skipped for every runner.
    skip: str | None = None
    # Bases that run inside `make test`.
    fast: tuple[str, ...] = ()


UTILS = {
    "test_any_value": "BaseAnyValue", "test_array_append": "BaseArrayAppend", "test_array_concat": "BaseArrayConcat",
    "test_array_construct": "BaseArrayConstruct", "test_bool_or": "BaseBoolOr", "test_cast": "BaseCast",
    "test_cast_bool_to_text": "BaseCastBoolToText", "test_concat": "BaseConcat",
    "test_current_timestamp": "BaseCurrentTimestampAware", "test_date": "BaseDate", "test_dateadd": "BaseDateAdd",
    "test_datediff": "BaseDateDiff", "test_date_spine": "BaseDateSpine", "test_date_trunc": "BaseDateTrunc",
    "test_equals": "BaseEquals", "test_escape_single_quotes": "BaseEscapeSingleQuotesQuote", "test_except": "BaseExcept",
    "test_generate_series": "BaseGenerateSeries", "test_get_intervals_between": "BaseGetIntervalsBetween",
    "test_get_powers_of_two": "BaseGetPowersOfTwo", "test_hash": "BaseHash", "test_intersect": "BaseIntersect",
    "test_last_day": "BaseLastDay", "test_length": "BaseLength", "test_listagg": "BaseListagg",
    "test_position": "BasePosition", "test_replace": "BaseReplace", "test_right": "BaseRight",
    "test_safe_cast": "BaseSafeCast", "test_split_part": "BaseSplitPart", "test_string_literal": "BaseStringLiteral",
    "test_timestamps": "BaseCurrentTimestamps", "test_validate_sql": "BaseValidateSqlMethod",
    "data_types.test_type_bigint": "BaseTypeBigInt", "data_types.test_type_boolean": "BaseTypeBoolean",
    "data_types.test_type_float": "BaseTypeFloat", "data_types.test_type_int": "BaseTypeInt",
    "data_types.test_type_numeric": "BaseTypeNumeric", "data_types.test_type_string": "BaseTypeString",
    "data_types.test_type_timestamp": "BaseTypeTimestamp",
}

ENTRIES = [
    Entry("aliases.test_aliases", [
        "BaseAliases", "BaseAliasErrors", "BaseSameAliasDifferentSchemas", "BaseSameAliasDifferentDatabases"],
        fast=("BaseAliases",)),
    Entry("basic.test_adapter_methods", ["BaseAdapterMethod"]),
    Entry("basic.test_base", ["BaseSimpleMaterializations"], fast=("BaseSimpleMaterializations",)),
    Entry("basic.test_docs_generate", ["BaseDocsGenerate", "BaseDocsGenReferences"]),
    Entry("basic.test_empty", ["BaseEmpty"], fast=("BaseEmpty",)),
    Entry("basic.test_ephemeral", ["BaseEphemeral"], fast=("BaseEphemeral",)),
    Entry("basic.test_generic_tests", ["BaseGenericTests"], fast=("BaseGenericTests",)),
    Entry("basic.test_incremental", [
        "BaseIncremental", "BaseIncrementalNotSchemaChange", "BaseIncrementalBadStrategy"],
        fast=("BaseIncremental", "BaseIncrementalBadStrategy")),
    Entry("basic.test_singular_tests", ["BaseSingularTests"], fast=("BaseSingularTests",)),
    Entry("basic.test_singular_tests_ephemeral", ["BaseSingularTestsEphemeral"]),
    Entry("basic.test_snapshot_check_cols", ["BaseSnapshotCheckCols"], fast=("BaseSnapshotCheckCols",)),
    Entry("basic.test_snapshot_timestamp", ["BaseSnapshotTimestamp"], fast=("BaseSnapshotTimestamp",)),
    Entry("basic.test_table_materialization", ["BaseTableMaterialization"]),
    Entry("basic.test_validate_connection", ["BaseValidateConnection"], fast=("BaseValidateConnection",)),
    Entry("caching.test_caching", [
        "BaseCachingLowercaseModel", "BaseCachingUppercaseModel", "BaseCachingSelectedSchemaOnly", "BaseNoPopulateCache"]),
    Entry("catalog.relation_types", ["CatalogRelationTypes"]),
    Entry("column_types.test_column_types", ["BasePostgresColumnTypes"], fast=("BasePostgresColumnTypes",)),
    Entry("concurrency.test_concurrency", ["BaseConcurrency"], fast=("BaseConcurrency",)),
    Entry("constraints.test_constraints", [
        "BaseTableConstraintsColumnsEqual", "BaseViewConstraintsColumnsEqual", "BaseIncrementalConstraintsColumnsEqual",
        "BaseConstraintsRuntimeDdlEnforcement", "BaseConstraintsRollback",
        "BaseIncrementalConstraintsRuntimeDdlEnforcement", "BaseIncrementalConstraintsRollback",
        "BaseTableContractSqlHeader", "BaseIncrementalContractSqlHeader", "BaseModelConstraintsRuntimeEnforcement",
        "BaseConstraintQuotedColumn", "BaseIncrementalForeignKeyConstraint"],
        fast=("BaseConstraintsRollback", "BaseTableContractSqlHeader", "BaseConstraintQuotedColumn")),
    Entry("dbt_clone.test_dbt_clone", ["BaseCloneNotPossible", "BaseCloneSameTargetAndState"]),
    Entry("dbt_clone.test_dbt_clone", ["BaseClonePossible"], skip="PostgreSQL cannot clone tables"),
    Entry("dbt_debug.test_dbt_debug", ["BaseDebugPostgres", "BaseDebugInvalidProjectPostgres"],
          fast=("BaseDebugPostgres",)),
    Entry("dbt_show.test_dbt_show", ["BaseShowSqlHeader", "BaseShowLimit", "BaseShowDoesNotHandleDoubleLimit"],
          fast=("BaseShowSqlHeader", "BaseShowDoesNotHandleDoubleLimit")),
    Entry("empty.test_empty", ["BaseTestEmpty", "BaseTestEmptySeedFlag"]),
    Entry("ephemeral.test_ephemeral", ["BaseEphemeralMulti", "BaseEphemeralNested", "BaseEphemeralErrorHandling"],
          fast=("BaseEphemeralMulti", "BaseEphemeralErrorHandling")),
    Entry("functions.test_udfs", [
        "UDFsBasic", "DeterministicUDF", "StableUDF", "NonDeterministicUDF", "ErrorForUnsupportedType",
        "PythonUDFNotSupported", "CanFindScalarFunctionRelation"]),
    Entry("functions.test_udfs", ["SqlUDFDefaultArgSupport"], mixin=overrides.DefaultArguments),
    Entry("grants.test_incremental_grants", ["BaseIncrementalGrants"]),
    Entry("grants.test_invalid_grants", ["BaseInvalidGrants"]),
    Entry("grants.test_model_grants", ["BaseModelGrants"], fast=("BaseModelGrants",)),
    Entry("grants.test_seed_grants", ["BaseSeedGrants"]),
    Entry("grants.test_snapshot_grants", ["BaseSnapshotGrants"]),
    Entry("hooks.test_model_hooks", [
        "BasePrePostModelHooks", "BaseHookRefs", "BasePrePostModelHooksInConfig", "BasePrePostModelHooksInConfigWithCount",
        "BasePrePostModelHooksInConfigKwargs"],
        mixin=overrides.HookTables, fast=("BasePrePostModelHooks",)),
    Entry("hooks.test_model_hooks", [
        "BasePrePostModelHooksOnSeeds", "BaseHooksRefsOnSeeds", "BasePrePostModelHooksOnSeedsPlusPrefixed",
        "BasePrePostModelHooksOnSeedsPlusPrefixedWhitespace", "BasePrePostModelHooksOnSnapshots",
        "BasePrePostSnapshotHooksInConfigKwargs", "BaseDuplicateHooksInConfigs"],
        fast=("BasePrePostModelHooksOnSeeds", "BaseDuplicateHooksInConfigs")),
    Entry("hooks.test_run_hooks", ["BasePrePostRunHooks"], mixin=overrides.HookTables, fast=("BasePrePostRunHooks",)),
    Entry("hooks.test_run_hooks", ["BaseAfterRunHooks"]),
    Entry("incremental.test_incremental_merge_exclude_columns", ["BaseMergeExcludeColumns"]),
    Entry("incremental.test_incremental_microbatch", ["BaseMicrobatch"]),
    Entry("incremental.test_incremental_on_schema_change", ["BaseIncrementalOnSchemaChange"]),
    Entry("incremental.test_incremental_predicates", ["BaseIncrementalPredicates"], fast=("BaseIncrementalPredicates",)),
    Entry("incremental.test_incremental_unique_id", ["BaseIncrementalUniqueKey"]),
    Entry("materialized_view.basic", ["MaterializedViewBasic"], mixin=overrides.MaterializedViews),
    Entry("materialized_view.changes", [
        "MaterializedViewChangesApplyMixin", "MaterializedViewChangesContinueMixin", "MaterializedViewChangesFailMixin"],
        mixin=overrides.MaterializedViewChangesOnPostgres),
    Entry("persist_docs.test_persist_docs", [
        "BasePersistDocs", "BasePersistDocsColumnMissing", "BasePersistDocsCommentOnQuotedColumn",
        "BasePersistDocsAllColumnsMissing", "BasePersistDocsQuotedColumnCaseSensitive",
        "BasePersistDocsQuotedDescriptionNotAppliedOnMismatch"],
        fast=("BasePersistDocsCommentOnQuotedColumn",)),
    Entry("query_comment.test_query_comment", [
        "BaseQueryComments", "BaseMacroQueryComments", "BaseMacroInvalidQueryComments", "BaseNullQueryComments",
        "BaseEmptyQueryComments"],
        fast=("BaseQueryComments", "BaseMacroQueryComments", "BaseEmptyQueryComments")),
    Entry("query_comment.test_query_comment", ["BaseMacroArgsQueryComments"], mixin=overrides.QueryCommentVersions),
    Entry("relations.test_changing_relation_type", ["BaseChangeRelationTypeValidator"],
          fast=("BaseChangeRelationTypeValidator",)),
    Entry("relations.test_dropping_schema_named", ["BaseDropSchemaNamed"]),
    Entry("sample_mode.test_sample_mode", ["BaseSampleModeTest"]),
    Entry("simple_copy.test_copy_uppercase", ["BaseSimpleCopyUppercase"]),
    Entry("simple_copy.test_simple_copy", ["SimpleCopyBase", "EmptyModelsArentRunBase"], fast=("EmptyModelsArentRunBase",)),
    Entry("simple_seed.test_seed", [
        "BaseBasicSeedTests", "BaseSeedConfigFullRefreshOn", "BaseSeedConfigFullRefreshOff", "BaseSeedCustomSchema",
        "BaseSeedWithUniqueDelimiter", "BaseSeedWithWrongDelimiter", "BaseSeedWithEmptyDelimiter",
        "BaseSimpleSeedEnabledViaConfig", "BaseSeedParsing", "BaseTestEmptySeed"],
        fast=("BaseSeedConfigFullRefreshOn", "BaseSeedWithWrongDelimiter", "BaseSeedParsing")),
    Entry("simple_seed.test_seed", ["BaseSimpleSeedWithBOM"], mixin=overrides.SeedWithByteOrderMark,
          fast=("BaseSimpleSeedWithBOM",)),
    Entry("simple_seed.test_seed", ["BaseSeedSpecificFormats"], mixin=overrides.SeedFolder),
    Entry("simple_seed.test_seed_type_override", ["BaseSimpleSeedColumnOverride"]),
    Entry("simple_snapshot.test_snapshot", ["BaseSimpleSnapshot", "BaseSnapshotCheck"], fast=("BaseSnapshotCheck",)),
    Entry("simple_snapshot.new_record_timestamp_mode", ["BaseSnapshotNewRecordTimestampMode"]),
    Entry("simple_snapshot.new_record_check_mode", ["BaseSnapshotNewRecordCheckMode"]),
    Entry("simple_snapshot.new_record_dbt_valid_to_current", ["BaseSnapshotNewRecordDbtValidToCurrent"]),
    Entry("store_test_failures_tests.test_store_test_failures", ["BaseStoreTestFailures", "BaseStoreTestFailuresLimit"]),
    Entry("store_test_failures_tests.basic", [
        "StoreTestFailuresAsInteractions", "StoreTestFailuresAsProjectLevelOff", "StoreTestFailuresAsProjectLevelView",
        "StoreTestFailuresAsProjectLevelEphemeral", "StoreTestFailuresAsGeneric", "StoreTestFailuresAsExceptions"],
        mixin=overrides.ShortAuditSchema, fast=("StoreTestFailuresAsGeneric",)),
    Entry("unit_testing.test_case_insensitivity", ["BaseUnitTestCaseInsensivity"]),
    Entry("unit_testing.test_invalid_input", ["BaseUnitTestInvalidInput"]),
    Entry("unit_testing.test_quoted_reserved_word_column_names", ["BaseUnitTestQuotedReservedWordColumnNames"]),
    Entry("unit_testing.test_types", ["BaseUnitTestingTypes", "BaseUnitTestingVarcharFixtureNoTruncation"]),
    *(Entry(f"utils.{file}", [base], fast=(base,) if base in ("BaseDateTrunc", "BaseSplitPart", "BaseHash") else ())
      for file, base in UTILS.items()),
    Entry("utils.test_null_compare", ["BaseNullCompare", "BaseMixedNullCompare"]),
    Entry("utils.test_escape_single_quotes", ["BaseEscapeSingleQuotesBackslash"],
          skip="PostgreSQL escapes quotes by doubling them, not by backslashes"),
]


def classes() -> dict[str, type]:
    """The test classes by name."""
    found = {}
    for entry in ENTRIES:
        module = entry.file.partition(".")[0]
        source = importlib.import_module(f"dbt.tests.adapter.{entry.file}")
        for base in entry.bases:
            origin = getattr(source, base)
            parents = (entry.mixin, origin) if entry.mixin else (origin,)
            name = f"Test_{module}__{base.removeprefix('Base')}"
            marks = [pytest.mark.module(module)]
            if base in entry.fast:
                marks.append(pytest.mark.fast)
            if entry.skip:
                marks.append(pytest.mark.skip(reason=entry.skip))
            found[name] = type(
                name, parents,
                {"pytestmark": marks, "__module__": "test_adapter_suite", "schema_suffix": entry.file.rpartition(".")[2]})
    return found
