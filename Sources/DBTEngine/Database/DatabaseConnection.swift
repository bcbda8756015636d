import DBTContext
import Glibc
import Jinja
import OrderedCollections
import PlainData

/// dbt's view of one connection: named, opened by its first statement, with the transactions of dbt's reference driver.
///
/// The driver that dbt's macros were written against sends BEGIN before the first statement of a connection and believes to
/// be inside a transaction until it is told to roll back. dbt's "begin" is only a note that a transaction is wanted, while its
/// "commit" is a literal COMMIT, after which the driver sends no new BEGIN: everything later on the connection commits by itself.
/// What macros do relies on it, so it is kept (dbt-engine.md §3.2). One thread at a time.
final class DatabaseConnection {
  /// The node's unique id, or a name such as `master`; shown in query comments.
  let name: String
  private let warehouse: any Warehouse
  private let comment: QueryComment
  private let cancellation: Cancellation
  /// What the events of a node's connection say about that node.
  private let nodeInfo: PlainValue?
  /// Whether templates may send statements; false under `--no-introspect`.
  private let mayIntrospect: Bool
  private let log: (LogLine) -> Void
  private var session: (any WarehouseSession)?
  /// dbt's note: a transaction is wanted, so that commit and rollback mean something.
  private(set) var isTransactionOpen = false
  /// The driver's belief: BEGIN was sent and no ROLLBACK since.
  private var hasBegun = false
  /// The last failure of the database, for what a `DBTError` does not carry.
  private(set) var lastFailure: WarehouseError?
  /// What must live until the connection is closed; see `keep`.
  private var kept: [AnyObject] = []
  /// What templates of the run share.
  let graph: SharedGraph
  /// Whether work over this connection has looked at it, and so has the turn outside of statements.
  private var isInGraph = false

  init(
    name: String, warehouse: any Warehouse, comment: QueryComment, cancellation: Cancellation, graph: SharedGraph,
    nodeInfo: PlainValue? = nil, mayIntrospect: Bool = true, log: @escaping (LogLine) -> Void
  ) {
    self.name = name
    self.warehouse = warehouse
    self.comment = comment
    self.cancellation = cancellation
    self.graph = graph
    self.nodeInfo = nodeInfo
    self.mayIntrospect = mayIntrospect
    self.log = log
  }

  deinit { leaveGraph() }

  /// The shared entries of `graph`. From here on until the connection is closed it is this thread's turn.
  var graphEntries: DictObject {
    if !isInGraph {
      graph.enter()
      isInGraph = true
    }
    return graph.entries
  }

  private func leaveGraph() {
    guard isInGraph else { return }
    isInGraph = false
    graph.leave()
  }

  /// Holds an object until the connection is closed.
  func keep(_ object: AnyObject) { kept.append(object) }

  /// Whether any statement was sent.
  var isOpen: Bool { session != nil }

  /// Runs SQL with the query comment around it.
  func execute(_ sql: String, autoBegin: Bool, fetch: RowFetch) throws -> StatementResult {
    if let failure = comment.failure { throw failure }
    return try send(comment.added(to: sql), autoBegin: autoBegin, fetch: fetch)
  }

  /// Runs SQL as it is; `bindings` take the places of its `%s`.
  func addQuery(_ sql: String, autoBegin: Bool, bindings: [Value]?) throws -> StatementResult {
    guard let bindings else { return try send(sql, autoBegin: autoBegin, fetch: .all) }
    let session = try opened()
    var literals: [String] = []
    literals.reserveCapacity(bindings.count)
    do throws(WarehouseError) {
      for value in bindings { literals.append(try session.literal(value)) }
    } catch {
      throw failure(error)
    }
    return try send(Placeholders.filled(sql, literals), autoBegin: autoBegin, fetch: .none, logged: sql)
  }

  /// dbt's begin: a note only.
  func begin() throws {
    guard !isTransactionOpen else {
      throw DBTError(
        .internal, "Tried to begin a new transaction on connection \"\(name)\", but it already had one open!")
    }
    isTransactionOpen = true
  }

  /// dbt's commit: a literal COMMIT.
  func commit() throws {
    guard isTransactionOpen || warehouse.isAutocommit else {
      throw DBTError(
        .internal, "Tried to commit transaction on connection \"\(name)\", but it does not have one open!")
    }
    if !warehouse.isAutocommit {
      tell("On \(name): COMMIT", "SQLCommit")
      _ = try send("COMMIT", autoBegin: false, fetch: .none)
    }
    isTransactionOpen = false
  }

  /// Commits when a transaction is noted as open, else does nothing.
  func commitIfOpen() throws { if isTransactionOpen { try commit() } }

  /// Begins and commits at once, so that what follows runs outside of any transaction.
  func clearTransaction() throws {
    rollbackIfOpen()
    try begin()
    try commit()
  }

  /// Rolls back what dbt notes as open. A failure to do so is ignored: the session is closed soon.
  func rollbackIfOpen() {
    guard isTransactionOpen else { return }
    isTransactionOpen = false
    guard !warehouse.isAutocommit, hasBegun, let session else { return }
    hasBegun = false
    tell("On \(name): ROLLBACK", "Rollback")
    _ = try? run("ROLLBACK", .none, session)
  }

  /// Ends the connection; safe to call more than once.
  func close() {
    defer {
      kept = []
      leaveGraph()
    }
    rollbackIfOpen()
    guard let session else { return }
    self.session = nil
    tell("On \(name): Close", "ConnectionClosed")
    graph.paused { session.close() }
  }

  private func send(_ sql: String, autoBegin: Bool, fetch: RowFetch, logged: String? = nil) throws -> StatementResult {
    if autoBegin, !isTransactionOpen { try begin() }
    let session = try opened()
    do throws(WarehouseError) {
      if !warehouse.isAutocommit, !hasBegun {
        _ = try run("BEGIN", .none, session)
        hasBegun = true
      }
      let shown = logged.map { String($0.prefix(512)) } ?? sql
      tell("Using postgres connection \"\(name)\"", "ConnectionUsed", ["conn_type": "postgres"])
      tell("On \(name): \(shown)", "SQLQuery", ["sql": .string(shown)])
      let started = ContinuousClock.now
      let result = try run(sql, fetch, session)
      let seconds = (ContinuousClock.now - started) / .seconds(1)
      tell(
        "SQL status: \(result.commandTag) in \(Seconds.text(seconds, digits: 3)) seconds", "SQLQueryStatus",
        ["status": .string(result.commandTag), "elapsed": .double(seconds)])
      for notice in session.takeNotices() { log(LogLine(.debug, "postgres notice: \(notice)", nodeID: name)) }
      return result
    } catch {
      log(LogLine(.debug, "postgres error: \(error.message)", nodeID: name))
      rollbackIfOpen()
      throw failure(error)
    }
  }

  /// Waits for the database while other threads have the turn at shared values.
  private func run(
    _ sql: String, _ fetch: RowFetch, _ session: any WarehouseSession
  ) throws(WarehouseError) -> StatementResult {
    try graph.paused { () throws(WarehouseError) in try session.execute(sql, fetch: fetch) }
  }

  /// Says that a column's type has no name, in the log only.
  ///
  /// - Parameter typeName: as the warehouse calls it: `unknown type_code 790`.
  func noteUnknown(typeName: String) {
    let prefix = "unknown type_code "
    guard typeName.hasPrefix(prefix) else { return }
    let code = typeName.dropFirst(prefix.count)
    tell(
      "The `type_code` \(code) was not recognized, which may affect error messages for enforced contracts that fail as "
        + "well as `Column.data_type` values returned by `get_column_schema_from_query`", "TypeCodeNotFound",
      ["type_code": .int(Int(code) ?? 0)])
  }

  private func tell(_ text: String, _ event: String, _ data: PlainObject = [:]) {
    var members = data
    members["conn_name"] = .string(name)
    if let nodeInfo { members["node_info"] = nodeInfo }
    log(LogLine(.debug, text, event: event, nodeID: name, data: members))
  }

  /// The session, connecting on first use and again after transient failures, as often as the profile says.
  private func opened() throws -> any WarehouseSession {
    if let session { return session }
    guard mayIntrospect else {
      // dbt has no connection at all then, and says so with its numbers of process and thread.
      throw DBTError(
        .runtime,
        "connection never acquired for thread (\(getpid()), \(pthread_self())), have []: --no-introspect keeps templates from "
          + "asking the database")
    }
    tell("Opening a new connection, currently in state init", "NewConnectionOpening", ["connection_state": "init"])
    var attempt = 0
    while true {
      guard !cancellation.isCancelled else { throw failure(WarehouseError("the run was cancelled", isCancelled: true)) }
      do throws(WarehouseError) {
        let opened = try graph.paused { () throws(WarehouseError) in try warehouse.connect(cancellation) }
        session = opened
        return opened
      } catch {
        guard error.isConnection, !error.isCancelled, attempt < warehouse.connectRetries else { throw failure(error) }
        log(
          LogLine(
            .debug, "Got a retryable error when attempting to open a postgres connection: \(error.message)",
            nodeID: name))
        graph.paused { Pause.wait(seconds: Double(attempt * attempt), unless: cancellation) }
        attempt += 1
      }
    }
  }

  private func failure(_ error: WarehouseError) -> DBTError {
    lastFailure = error
    var known = DBTError(.database, Blanks.trimmed(error.message))
    known.sqlState = error.sqlState
    known.isTransient = error.isTransient
    return known
  }
}
