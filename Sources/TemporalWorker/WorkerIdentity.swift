import TemporalMessages

/// What the worker tells the server about its software.
enum WorkerIdentity {
  /// Name and version that histories show for workflow tasks.
  static let sdkName = "sallyport"
  static let sdkVersion = "0.1.0"

  static var sdkMetadata: WorkflowTaskCompletedMetadata {
    .with {
      $0.sdkName = sdkName
      $0.sdkVersion = sdkVersion
    }
  }
}
