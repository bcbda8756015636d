import CLinux
import CPostgres
import Secrets

/// One session with a PostgreSQL server, for one thread at a time. All calls block that thread; only the `canceller` may
/// be used from others.
///
/// Statements go through libpq's asynchronous interface row by row, so that a result's size is bounded while it arrives
/// and a dead network ends a wait.
@safe package final class PostgresConnection {
  private let handle: OpaquePointer
  private var isClosed = false
  /// Stops a running statement from another thread.
  package let canceller: PostgresCanceller
  private let limits: PostgresLimits
  private var notices: [PostgresNotice] = []

  private init(adopting handle: OpaquePointer, limits: PostgresLimits) {
    unsafe self.handle = handle
    self.limits = limits
    canceller = unsafe PostgresCanceller(adopting: PQgetCancel(handle))
    _ = unsafe PQsetNoticeReceiver(
      handle,
      { context, result in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<PostgresConnection>.fromOpaque(context).takeUnretainedValue().receive(notice: result)
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit { close() }

  /// Opens a session and waits until it stands.
  ///
  /// - Parameter isCancelled: asked several times a second; true gives up.
  package static func connect(
    _ configuration: PostgresConfiguration, limits: PostgresLimits = .standard, isCancelled: () -> Bool = { false }
  ) throws(PostgresError) -> PostgresConnection {
    let deadline = ContinuousClock.now + configuration.connectTimeout
    let handle = unsafe try start(configuration)
    do throws(PostgresError) {
      unsafe try finishConnecting(handle, configuration, deadline: deadline, isCancelled: isCancelled)
    } catch {
      unsafe PQfinish(handle)
      throw error
    }
    let connection = unsafe PostgresConnection(adopting: handle, limits: limits)
    // Dates must arrive in ISO form to be read; a server or role may have another default.
    let style = unsafe PQparameterStatus(handle, "DateStyle").map { unsafe String(cString: $0) } ?? ""
    if !style.hasPrefix("ISO") { _ = try connection.query("SET datestyle TO 'ISO'", fetch: .none) }
    return connection
  }

  /// The number of the server process of this session.
  package var processID: Int { Int(unsafe PQbackendPID(handle)) }

  /// Such as 150018 for 15.18.
  package var serverVersion: Int { Int(unsafe PQserverVersion(handle)) }

  /// Whether the session can still take statements, as far as is known without asking the server.
  package var isUsable: Bool { isClosed ? false : unsafe PQstatus(handle) == CONNECTION_OK }

  /// Whether the server says that a transaction is open (working or failed).
  package var isInTransaction: Bool {
    guard !isClosed else { return false }
    let status = unsafe PQtransactionStatus(handle)
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE
  }

  /// Ends the session; the server rolls back what is open. Safe to call more than once.
  package func close() {
    guard !isClosed else { return }
    isClosed = true
    unsafe PQfinish(handle)
  }

  /// Runs one string of one or more statements by the simple protocol and returns what the last one answered.
  package func query(_ sql: String, fetch: PostgresFetch = .all) throws(PostgresError) -> PostgresResult {
    try checkUsable(sql)
    guard unsafe PQsendQuery(handle, sql) == 1 else { throw lost() }
    return try collect(fetch)
  }

  /// Runs one statement with values for `$1`, `$2`… by the extended protocol; nil is null, and the server decides every
  /// value's type.
  package func query(
    _ sql: String, parameters: [String?], fetch: PostgresFetch = .all
  ) throws(PostgresError) -> PostgresResult {
    try checkUsable(sql)
    guard parameters.count <= 65535 else { throw PostgresError(.limit, "a statement takes at most 65535 parameters") }
    let sent = unsafe CStrings.withPointers(parameters) { values in
      unsafe PQsendQueryParams(handle, sql, Int32(parameters.count), nil, values, nil, nil, 0)
    }
    guard sent == 1 else { throw lost() }
    return try collect(fetch)
  }

  /// The text as an SQL literal, quoted for this session.
  package func literal(_ text: String) throws(PostgresError) -> String {
    let quoted = unsafe text.withCString { characters -> String? in
      guard let escaped = unsafe PQescapeLiteral(handle, characters, text.utf8.count) else { return nil }
      defer { unsafe PQfreemem(escaped) }
      return unsafe String(cString: escaped)
    }
    guard let quoted else { throw lost() }
    return quoted
  }

  /// The notices since the last call, oldest first; see `PostgresLimits.notices`.
  package func takeNotices() -> [PostgresNotice] {
    defer { notices = [] }
    return notices
  }

  private func receive(notice result: OpaquePointer?) {
    guard notices.count < limits.notices, let result = unsafe result else { return }
    notices.append(
      PostgresNotice(
        severity: unsafe ResultFields.text(result, SLY_PG_DIAG_SEVERITY) ?? "NOTICE",
        message: unsafe ResultFields.text(result, SLY_PG_DIAG_MESSAGE_PRIMARY) ?? "",
        sqlState: unsafe ResultFields.text(result, SLY_PG_DIAG_SQLSTATE)))
  }

  private func checkUsable(_ sql: String) throws(PostgresError) {
    guard !isClosed else { throw PostgresError(.connection, "connection already closed") }
    if canceller.requestedAt != nil { throw PostgresError(.cancelled, "the run was cancelled") }
    if sql.utf8.contains(0) { throw PostgresError(.configuration, "a statement cannot contain a zero byte") }
  }

  private func lost() -> PostgresError {
    PostgresError(.connection, unsafe PQerrorMessage(handle).map { unsafe String(cString: $0) } ?? "connection lost")
  }
}

// MARK: - Connecting

extension PostgresConnection {
  /// Lends every parameter, the password last and from protected memory, to libpq, which starts to connect.
  private static func start(_ configuration: PostgresConfiguration) throws(PostgresError) -> OpaquePointer {
    let password: SharedSecret?
    switch configuration.password {
    case .none: password = nil
    case .secret(let secret): password = secret
    case .file(let path):
      do throws(SecretError) {
        password = try SharedSecret.read(path: path)
      } catch {
        throw PostgresError(.configuration, "cannot read the password: \(error)")
      }
    }
    let destination = try PostgresDestination(
      hosts: configuration.host, port: configuration.port, policy: configuration.egress)
    let parameters = destination.parameters + configuration.parameters
    if let bad = parameters.first(where: { $0.value.utf8.contains(0) }) {
      throw PostgresError(.configuration, "connection parameter '\(bad.name)' contains a zero byte")
    }
    func begin(_ secret: UnsafePointer<CChar>?) -> OpaquePointer? {
      let names: [String?] = parameters.map(\.name) + (unsafe secret == nil ? [] : ["password"])
      return unsafe CStrings.withPointers(names + [nil]) { names in
        unsafe CStrings.withPointers(parameters.map(\.value), last: secret) { values in
          unsafe PQconnectStartParams(names, values, 0)
        }
      }
    }
    let handle: OpaquePointer? =
      if let password {
        unsafe password.withCString { unsafe begin($0) }
      } else {
        unsafe begin(nil)
      }
    guard let handle = unsafe handle else { throw PostgresError(.connection, "out of memory while connecting") }
    return unsafe handle
  }

  private static func finishConnecting(
    _ handle: OpaquePointer, _ configuration: PostgresConfiguration, deadline: ContinuousClock.Instant,
    isCancelled: () -> Bool
  ) throws(PostgresError) {
    func failure() -> PostgresError {
      PostgresError(.connection, unsafe PQerrorMessage(handle).map { unsafe String(cString: $0) } ?? "no connection")
    }
    guard unsafe PQstatus(handle) != CONNECTION_BAD else { throw failure() }
    var state = PGRES_POLLING_WRITING
    while true {
      switch state {
      case PGRES_POLLING_OK: return
      case PGRES_POLLING_READING, PGRES_POLLING_WRITING:
        let events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT
        while !SocketWait.wait(unsafe PQsocket(handle), events, at: min(deadline, .now + .milliseconds(200))) {
          if isCancelled() { throw PostgresError(.cancelled, "cancelled while connecting") }
          guard ContinuousClock.now < deadline else {
            throw PostgresError(
              .timeout,
              "connection to server at \"\(configuration.host)\", port \(configuration.port) failed: timeout expired")
          }
        }
      default: throw failure()
      }
      state = unsafe PQconnectPoll(handle)
    }
  }
}

// MARK: - Results

extension PostgresConnection {
  /// Reads every result of what was sent, keeping the last, within the limits.
  private func collect(_ fetch: PostgresFetch) throws(PostgresError) -> PostgresResult {
    _ = unsafe PQsetSingleRowMode(handle)
    var reader = ResultReader(fetch: fetch, limits: limits)
    var isStopping = false
    while true {
      try waitForResult()
      guard let raw = unsafe PQgetResult(handle) else { break }
      defer { unsafe PQclear(raw) }
      switch unsafe PQresultStatus(raw) {
      case PGRES_COPY_IN: unsafe _ = PQputCopyEnd(handle, "COPY is not possible here: no data can be sent")
      case PGRES_COPY_OUT, PGRES_COPY_BOTH: try drainCopy(&reader)
      default: unsafe reader.take(raw)
      }
      if reader.isOverLimit, !isStopping {
        isStopping = true
        canceller.cancel()
      }
    }
    return try reader.finish(isAlive: unsafe PQstatus(handle) == CONNECTION_OK)
  }

  /// Waits until the next result can be taken without blocking, sending what is left to send.
  private func waitForResult() throws(PostgresError) {
    while true {
      let unsent = unsafe PQflush(handle)
      if unsent < 0 { return }
      if unsafe PQisBusy(handle) == 0 { return }
      let events = unsent > 0 ? POLLIN | POLLOUT : POLLIN
      if SocketWait.wait(unsafe PQsocket(handle), events, at: .now + .milliseconds(500)) {
        // A failure shows as an error result of the next PQgetResult.
        guard unsafe PQconsumeInput(handle) == 1 else { return }
      } else if let requested = canceller.requestedAt, requested + limits.cancelGrace < .now {
        close()
        throw PostgresError(.cancelled, "the server did not stop the cancelled statement in time")
      }
    }
  }

  private func drainCopy(_ reader: inout ResultReader) throws(PostgresError) {
    reader.refuse(PostgresError(.statement, "can't execute COPY TO: no place to put its data", sqlState: "0A000"))
    while true {
      var buffer: UnsafeMutablePointer<CChar>?
      let length = unsafe PQgetCopyData(handle, &buffer, 0)
      if let buffer = unsafe buffer { unsafe PQfreemem(buffer) }
      if length < 0 { return }
    }
  }
}
