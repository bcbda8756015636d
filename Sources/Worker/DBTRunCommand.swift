/// Which of dbt's commands a scheduled run takes, and what to do about the others.
enum DBTRunCommand {
  /// Commands that run as a plan of nodes, by their names in `dbt_run`'s input.
  static let known = ["build", "run", "test", "seed", "snapshot", "compile", "list", "source-freshness"]

  /// The command under its own name, dbt's spellings included.
  ///
  /// - Throws: `DBTRunInputError` that names the command and, for a command of dbt's, what to do instead.
  static func read(_ text: String) throws(DBTRunInputError) -> String {
    let words = text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let name = spellings[words] ?? words
    guard !known.contains(name) else { return name }
    let list = known.joined(separator: ", ")
    if let advice = advice[name] {
      throw DBTRunInputError(
        "field 'command': '\(text)' is no command of a scheduled run; \(advice); scheduled: \(list)")
    }
    throw DBTRunInputError("field 'command': unknown command '\(text)'; known: \(list)")
  }

  private static let spellings = [
    "ls": "list", "source freshness": "source-freshness", "source snapshot-freshness": "source-freshness",
    "docs": "docs generate", "docs-generate": "docs generate",
  ]

  /// dbt's other commands, and where their work is done.
  private static let advice = [
    "retry":
      "start the failed run's command again with 'select' naming what did not succeed (its result lists every node), "
      + "or run 'sallyport dbt retry --state FOLDER' on its artifacts",
    "clone": "it copies what an earlier run's artifacts name: run 'sallyport dbt clone --state FOLDER'",
    "docs generate": "it writes catalog.json beside the project: run 'sallyport dbt docs generate'",
    "show": "its rows belong into no history: run 'sallyport dbt show'",
    "run-operation": "run 'sallyport dbt run-operation MACRO', or call the macro in a hook of the project",
    "parse": "every plan parses: use 'list', or run 'sallyport dbt parse'",
    "deps": "a worker takes packages as they were delivered: run 'sallyport dbt deps' where the project is built",
    "debug": "run 'sallyport doctor' where the worker runs",
    "clean": "a worker writes nothing into the project: run 'sallyport dbt clean' where it is edited",
    "init": "run 'sallyport dbt init' where the project is edited",
  ]
}
