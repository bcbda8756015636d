import OrderedCollections
import PlainData

/// The events that `warn_error_options` may name.
enum DBTWarningNames {
  /// What is wrong with the option's value, in dbt's words; nil when nothing is.
  static func fault(in options: PlainObject) -> String? {
    func names(_ key: String, _ old: String? = nil) -> PlainValue? {
      let value = options[key] ?? old.flatMap { options[$0] }
      return value?.isNull == true ? nil : value
    }
    let (error, warn, silence) = (names("error", "include"), names("warn", "exclude"), names("silence"))
    let isAll = ["all", "*"].contains(error?.stringValue ?? "")
    if error?.stringValue != nil, !isAll { return "error must be one of ('all', '*') or a list of strings" }
    func hasDeprecations(_ value: PlainValue?) -> Bool { value?.arrayValue?.contains("Deprecations") ?? false }
    if !(warn?.arrayValue ?? []).isEmpty, !isAll, !hasDeprecations(error), !hasDeprecations(silence) {
      return "`warn` can only be specified if `error` is one of ('all', '*') or Deprecations is in `error` or silence."
    }
    for list in [error, warn, silence] {
      for item in list?.arrayValue ?? [] where !known.contains(item.stringValue ?? "") {
        return "\(item.stringValue ?? item.json()) is not a valid dbt error name."
      }
    }
    return nil
  }

  private static let known = Set(
    (own + " " + later + " Deprecations").split(whereSeparator: \.isWhitespace).map(String.init))

  /// Events of dbt 1.12.
  private static let own = """
    AdapterDeprecationWarning AdapterEventDebug AdapterEventError AdapterEventInfo AdapterEventWarning
    AdapterImportError AdapterRegistered ArgumentsPropertyInGenericTestDeprecation ArtifactUploadError
    ArtifactUploadSkipped ArtifactUploadSuccess ArtifactWritten BehaviorChangeEvent BuildingCatalog CacheAction
    CacheDumpGraph CacheMiss CannotGenerateDocs CatalogGenerationError CatalogWritten CatchableExceptionOnRun
    CheckCleanPath CheckNodeTestFailure CodeExecution CodeExecutionStatus ColTypeChange
    CollectFreshnessReturnSignature CommandCompleted CompileComplete CompiledNode ConcurrencyLine
    ConfigDataPathDeprecation ConfigFolderDirectory ConfigLogPathDeprecation ConfigSourcePathDeprecation
    ConfigTargetPathDeprecation ConfirmCleanPath ConnectionClosed ConnectionClosedInCleanup ConnectionLeftOpen
    ConnectionLeftOpenInCleanup ConnectionReused ConnectionUsed ConstraintNotEnforced ConstraintNotSupported
    CustomKeyInConfigDeprecation CustomKeyInObjectDeprecation CustomOutputPathInSourceFreshnessDeprecation
    CustomTopLevelKeyDeprecation DatabaseErrorRunningHook DebugCmdOut DebugCmdResult DebugLevel DefaultSelector
    DeprecatedModel DeprecatedReference DeprecationsSummary DepsAddPackage DepsCreatingLocalSymlink
    DepsFoundDuplicatePackage DepsInstallInfo DepsListSubdirectory DepsLockUpdating DepsNoPackagesFound
    DepsNotifyUpdatesAvailable DepsScrubbedPackageName DepsSetDownloadDirectory DepsStartPackageInstall
    DepsSymlinkNotAvailable DepsUnpinned DepsUpToDate DepsUpdateAvailable DisableTracking
    DuplicateNameDistinctNodeTypesDeprecation DuplicateYAMLKeysDeprecation DynamicLevel EndOfRunSummary EndRunResult
    EnsureGitInstalled EnvironmentVariableNamespaceDeprecation EnvironmentVariableRenamed ErrorLevel EventLevel
    ExposureNameDeprecation FinishedCleanPaths FinishedRunningStats FlushEvents FlushEventsFailure Formatting
    FoundStats FreshnessCheckComplete FreshnessConfigProblem GenerateSchemaNameNullValueDeprecation
    GenericExceptionOnRun GenericJSONSchemaValidationDeprecation GenericSemanticLayerDeprecation GetMetaKeyWarning
    GitNothingToDo GitProgressCheckedOutAt GitProgressCheckoutRevision GitProgressPullingNewDependency
    GitProgressUpdatedCheckoutRange GitProgressUpdatingExistingDependency GitSparseCheckoutSubdirectory HooksRunning
    InfoLevel InputFileDiffError InternalDeprecation InternalErrorOnRun InvalidConcurrentBatchesConfig
    InvalidDisabledTargetInTestNode InvalidMacroAnnotation InvalidOptionYAML InvalidProfileTemplateYAML
    InvalidValueForField JinjaLogDebug JinjaLogInfo JinjaLogWarning ListCmdOut ListRelations LogBatchResult
    LogCancelLine LogDbtProfileError LogDbtProjectError LogDebugStackTrace LogFreshnessResult LogFunctionResult
    LogHookEndLine LogHookStartLine LogModelResult LogNodeNoOpResult LogNodeResult LogOverloadResult LogSeedResult
    LogSkipBecauseError LogSnapshotResult LogStartBatch LogStartLine LogStartOverload LogTestResult MFConverterIssue
    MFCumulativeTypeParamsDeprecation MFTimespineWithoutYamlConfigurationDeprecation MacroNotFoundForPatch
    MainEncounteredError MainKeyboardInterrupt MainReportArgs MainReportVersion MainStackTrace MainTrackingUserState
    MarkSkippedChildren MetricAttributesRenamed MicrobatchExecutionDebug MicrobatchMacroOutsideOfBatchesDeprecation
    MicrobatchModelNoEventTimeInputs MissingArgumentsPropertyInGenericTestDeprecation MissingPlusPrefixDeprecation
    MissingProfileTarget ModelParamUsageDeprecation ModulesItertoolsUsageDeprecation NewConnection
    NewConnectionOpening NoNodeForYamlKey NoNodesForSelectionCriteria NoNodesSelected NoSampleProfileFound
    NodeCompiling NodeConnectionReleaseError NodeExecuting NodeFinished NodeNotFoundOrDisabled NodeStart Note
    NothingToDo OpenCommand PackageInstallPathDeprecation PackageMaterializationOverrideDeprecation
    PackageNodeDependsOnRootProjectNode PackageRedirectDeprecation ParseInlineNodeError ParsePerfInfoPath
    ParsedFileLoadFailed PartialParsingEnabled PartialParsingError PartialParsingErrorProcessingFile
    PartialParsingFile PartialParsingNotEnabled PartialParsingSkipParsing PluginLoadError PrintEvent
    ProfileWrittenWithProjectTemplateYAML ProfileWrittenWithSample ProfileWrittenWithTargetTemplateYAML ProjectCreated
    ProjectFlagsMovedDeprecation ProjectNameAlreadyExists PropertyMovedToConfigDeprecation ProtectedCleanPath
    QueryCancelationUnsupported RecordReplayIssue RecordRetryException RegistryIndexProgressGETRequest
    RegistryIndexProgressGETResponse RegistryProgressGETRequest RegistryProgressGETResponse
    RegistryResponseExtraNestedKeys RegistryResponseMissingNestedKeys RegistryResponseMissingTopKeys
    RegistryResponseUnexpectedType ResourceNamesWithSpacesDeprecation ResourceReport RetryExternalCall Rollback
    RollbackFailed RunResultError RunResultErrorNoMessage RunResultFailure RunResultWarning RunResultWarningMessage
    RunningOperationCaughtError RunningOperationUncaughtError SQLCommit SQLCompiledPath SQLQuery SQLQueryStatus
    SQLRunnerException SchemaCreation SchemaDrop SeedExceedsLimitAndPathChanged SeedExceedsLimitChecksumChanged
    SeedExceedsLimitSamePath SeedHeader SeedIncreased SelectExcludeIgnoredWithSelectorWarning
    SelectorReportInvalidSelector SemanticValidationFailure SendEventFailure SendingEvent SettingUpProfile ShowNode
    SkippingDetails SnapshotTimestampWarning SourceFreshnessProjectHooksNotRun SourceOverrideDeprecation
    SpacesInResourceNameDeprecation StarterProjectPath StateCheckVarsHash StatsLine SystemCouldNotWrite
    SystemExecutingCmd SystemReportReturnCode SystemStdErr SystemStdOut TestsConfigDeprecation
    TimeDimensionsRequireGranularityDeprecation TimingInfoCollected TrackingInitializeFailure TypeCodeNotFound
    UnableToPartialParse UnexpectedJinjaBlockDeprecation UnpinnedRefNewVersionAvailable
    UnsupportedConstraintMaterialization UnusedResourceConfigPath UnusedTables UnversionedBreakingChange
    UpcomingReferenceDeprecation V2ParserEnd V2ParserStart ValidationWarning WEOIncludeExcludeDeprecation WarnLevel
    WarnStateTargetEqual WriteCatalogFailure WritingInjectedSQLForNode WrongResourceSchemaFile
    """

  /// Events of dbt 2 only, which dbt 1 takes and does not use.
  private static let later = """
    ASTSizeLimitExceeded AccessDenied AggregateFailed AliasForbidden AliasLengthViolation AmbiguousColumnReference
    AmbiguousName AmbiguousOrderByDirection AmbiguousRenamingSpecification AmbiguousSourceSchema AmbiguousUnion
    AntlrError ArgumentShouldBeStringLiteral ArrowError AsteriskNeedsInput AuthFailed AuthenticationFailed
    BadInlineTable BadLateralView BadQuery BadQueryLimitTarget BadRowCount BadTableFunctionArgument
    BaselineIntrospectionSyntaxInvalid BlockedWord BooleanLiteralCaseMismatch BuildError CacheError
    CacheInvalidationWarning CacheStale CaseShouldUseSimpleForm CastingStyleMismatch CatalogNotFound
    CoalesceHasOnlyNulls ColumnAliasMismatch ColumnAliasStyle ColumnNameCaseMismatch ColumnTypeMismatch
    ConcurrencyError ConsecutiveSemicolons CountRowsNotStar CreateIndexFailed CreateTableFailed CreateViewFailed
    CredentialExpired CredentialInvalid CredentialMissing CredentialsError CteBlankLine CustomFunctionBinderFailed
    CyclicDependency DanglingComma DbAuthFailed DbConnectionFailed DbDriverFailed DbNotFound DbResourceExceeded
    DbSyntaxInvalid DbTxnConflict DbUnavailable DbUnsupportedFeature DbtPlatformApiError DbtYamlValidationError
    DependencyNotFound DeprecatedOption DeprecatedStaticAnalysisValue DepsDuplicatePackage DerivedTableMissingAlias
    DisabledDependency DisabledModel DistinctFailed DistinctUsedWithParentheses DocsGenerateWarning
    DuplicateColumnAlias DuplicateColumns DuplicateConfigKey DuplicateCteName DuplicateEnvironment DuplicateProperty
    DuplicateSourceTable DuplicateTableAlias DuplicatedColumnName EncodingError EndOfFileMissingNewline EnvVarInvalid
    EnvVarMissing ExecutionError ExecutorFailed ExitRepl ExitWithStatus FailedToCreateDatabase
    FailedToLookupExistingTable FailedToRegisterExistingTable FailedToRegisterSeedTable FailedToWriteTable FileIoError
    FileNotFound FilterFailed FmtError FreshnessConfigInvalid FreshnessMetadataWarning FunctionCaseMismatch
    FunctionDefinitionError FunctionResolutionFailed FunctionSpaceBeforeParen Generic GenericDatafusionError
    GenericExecFailed GitError HavingFailed HttpError HttpTimeout HubPackageDeprecated IdentifierCaseMismatch
    IdentifierTooShort IllegalType ImplicitCoerced ImplicitColumnAlias IncompatibleTypes InconsistentReference
    InferenceFailed InsertIntoFailed InvalidAlias InvalidArgument InvalidArithmetic InvalidBetween
    InvalidBooleanExpression InvalidCase InvalidCast InvalidCoalesceArgument InvalidCollate InvalidColumnReference
    InvalidColumnSelector InvalidComparison InvalidConcatenation InvalidConfig InvalidCsvFormat InvalidCte
    InvalidDatabricksNumberFormat InvalidDeclare InvalidDelimiter InvalidDereference InvalidDialect InvalidEnvironment
    InvalidEscape InvalidExpression InvalidFlag InvalidFunctionCall InvalidFunctionName InvalidGroupByClause
    InvalidGroupByOrdinal InvalidHavingClause InvalidIdentifierCharacter InvalidInList InvalidInSubquery
    InvalidInsertInto InvalidInterval InvalidJoinCriteria InvalidJsonArray InvalidJsonExists InvalidJsonObject
    InvalidJsonQuery InvalidJsonValue InvalidLineageSchema InvalidListAgg InvalidLiteral InvalidNamedArgument
    InvalidNamedStruct InvalidOptions InvalidPartitionBy InvalidPath InvalidPatternRecognition InvalidPivot
    InvalidPredicate InvalidPrimaryExpression InvalidProperty InvalidQualifiedName InvalidRegexp
    InvalidSampleSpecification InvalidSchema InvalidSchemaName InvalidSeedValue InvalidSetOperation InvalidSqlFunction
    InvalidStageName InvalidStruct InvalidSubquery InvalidSubscript InvalidTable InvalidTableName
    InvalidTableNameInCLI InvalidTimeUnit InvalidType InvalidUnnest InvalidUserInput InvalidValueExpression IoError
    JinjaAssertionError JinjaError JinjaPadding JinjaTopLevelReturn JinjaTypeCheckFailed JinjaWarn
    JoinConditionInWhere JoinCriteriaWrongReferenceOrder JoinFailed JoinUsingSyntax JoinWithoutCondition JsonInvalid
    KeywordCaseMismatch KeywordLinePosition KeywordUsedAsIdentifier LegacyBinder LegacyDatafusion LegacyParser
    LicenseError LimitFailed LineTooLong LintCheckFailed LinterError LogicalPlanError MacroPatchNotFound
    MacroSyntaxInvalid MacroUnsupportedValueType MacroUseIllegal MacroVarNotFound MalformedExpression MangledRef
    ManifestLoadFailed MergeConflict MissingArgument MissingClassifiers MissingProfile MissingSourceLocation
    MissingTable MissingTargetDirectory MissingWorkspaceFile NameNotFound NestedCase NetworkError NoFilesChanged
    NoLongerSupportedOption NoResultsToShow NoTableFoundForPrefix NoTablesInSource NonUniformTypeArray NotImplemented
    NotSupported NotSupportedWarnErrorOption NotYetSupportedOption NullComparison NullLiteralCaseMismatch
    ObjectStoreError OperationCanceled OperatorSpacingError OracleEmptyBatch PackageDownloadFailed
    PackageMissingProjectFile PackageParsingCompatibility PackageResolutionFailed PackageUpdateAvailable
    PackageVersionMismatch ParquetError PermissionDenied PlannerFailed PreferCTE PreferCoalesce
    PrimitiveTypeCaseMismatch ProfileInvalid ProfileLoadFailed ProjectionFailed PySparkError QualifyFailed RateLimited
    RecursionDepthLimitExceeded RecursiveCTEFailed ReferenceNotQualified RemoteError ReplayDataInvalid
    ReplayDataMissing RequireDereference ResourceError RightJoinUsed RuntimeError ScanFailed SchemaMismatch
    SchemaNotFound SeedColumnTypeMismatch SelectModifierOnNewLine SelectStarUnknownColumns SelectTargetsNotOnNewLines
    SelectTrailingComma SelectorError SelfAlias SelfComparison SemanticModelDeprecated SerializationError SessionError
    SetOperationFailed SetOperatorNotOnOwnLine SidecarError SidecarUnsupportedFeature SkippedArtifact SltConfig
    SltDatabaseError SltLimits SltParse SnapshotTimestampMismatch SnowflakeNotSupportTimeUnitAfterInterval SortFailed
    SpaceInsideBrackets SqlMismatch SqlSchemaInvalid StaleSource StartOfFileWhitespace StateServiceWarn
    StatementMustEndWithSemicolon StaticAnalysis SubprocessError SubstitutionRequiresTableAlias SyntaxInvalid
    TabIndentation TableAliasFailed TableAliasStyle TableFunctionResolutionFailed TableMissingLocation
    TableMissingProvider TableNotFound TableWildcardNotFound TaskCancelled TaskTimeout TooManyEmptyLines TooManyRows
    TrailingWhitespace UnaggregatedColumn UndefinedField Unexpected UnexpectedApiResponse UnimplementedFunction
    UnionColumnCountMismatch Unknown UnknownCliOption UnknownCommand UnknownFunctionLanguage UnknownType
    UnknownVariable UnnecessaryCase UnnecessaryElse UnnecessaryQuoting UnreferencedCTE UnresolvedColumnOrdinal
    UnresolvedGroupBy UnresolvedIdentifier UnresolvedRegex UnresolvedStage UnresolvedWindow UnsupportedFeature
    UnsupportedFileExtension UnsupportedFileFormat UnsupportedFlag UnsupportedFusionFeature
    UnsupportedLocalExecutionDialect UnsupportedLogicalPlanForLocalExecution UnsupportedWorkspaceEdition
    UnusedConfigKey UnusedJoin UnusedTableAlias ValidateMacroArgs ValuesFailed WildcardBeforeSingleTargets
    WindowFailed WindowFunctionInWrongPlace YamlInvalid
    """
}
