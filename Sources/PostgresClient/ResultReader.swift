import CPostgres

/// Gathers libpq's stream of results: keeps the last one, the first error, and counts bytes while rows arrive.
struct ResultReader {
  private let fetch: PostgresFetch
  private let limits: PostgresLimits
  private var result = PostgresResult()
  /// Whether the rows being read belong to a result that has not yet ended.
  private var isInRows = false
  private var types: [PostgresType] = []
  private var bytes = 0
  private var rows = 0
  private var error: PostgresError?
  /// Set once the limit was passed; rows that still arrive are dropped.
  private(set) var isOverLimit = false

  init(fetch: PostgresFetch, limits: PostgresLimits) {
    self.fetch = fetch
    self.limits = limits
  }

  /// Records an error that the client itself raises; the first error of a query wins.
  mutating func refuse(_ reason: PostgresError) { if error == nil { error = reason } }

  /// Takes one result; the caller clears it afterwards.
  mutating func take(_ raw: OpaquePointer) {
    switch unsafe PQresultStatus(raw) {
    case PGRES_SINGLE_TUPLE:
      unsafe beginRows(raw)
      unsafe takeRow(raw)
    case PGRES_TUPLES_OK:
      unsafe beginRows(raw)
      result.commandTag = unsafe ResultFields.string(PQcmdStatus(raw))
      result.rowCount = rows
      isInRows = false
    case PGRES_COMMAND_OK:
      result = PostgresResult()
      result.commandTag = unsafe ResultFields.string(PQcmdStatus(raw))
      result.rowCount = Int(unsafe ResultFields.string(PQcmdTuples(raw))) ?? -1
      isInRows = false
    case PGRES_EMPTY_QUERY: refuse(PostgresError(.statement, "can't execute an empty query"))
    default: refuse(unsafe ResultFields.error(raw))
    }
  }

  /// What the query comes to.
  func finish(isAlive: Bool) throws(PostgresError) -> PostgresResult {
    if isOverLimit {
      throw PostgresError(
        .limit,
        "the result is larger than \(limits.resultBytes) bytes; select fewer rows or columns (limit: resultBytes)")
    }
    if let error {
      guard isAlive || error.kind != .statement || error.sqlState != nil else {
        throw PostgresError(.connection, error.message)
      }
      throw error
    }
    return result
  }

  private mutating func beginRows(_ raw: OpaquePointer) {
    guard !isInRows else { return }
    isInRows = true
    rows = 0
    result = PostgresResult()
    result.hasRows = true
    let count = unsafe PQnfields(raw)
    result.columns = (0..<max(count, 0)).map { index in
      PostgresColumn(
        name: unsafe ResultFields.string(PQfname(raw, index)), typeOID: unsafe PQftype(raw, index),
        typeModifier: unsafe PQfmod(raw, index))
    }
    types = result.columns.map(\.type)
  }

  private mutating func takeRow(_ raw: OpaquePointer) {
    defer { rows += 1 }
    guard fetch.keeps(rows), !isOverLimit, error == nil else { return }
    var row: [PostgresValue] = []
    row.reserveCapacity(types.count)
    for (index, type) in types.enumerated() {
      let column = Int32(index)
      if unsafe PQgetisnull(raw, 0, column) == 1 {
        row.append(.null)
        bytes += 1
      } else {
        bytes += Int(unsafe PQgetlength(raw, 0, column)) + 1
        row.append(type.value(unsafe ResultFields.string(PQgetvalue(raw, 0, column))))
      }
    }
    if bytes > limits.resultBytes { isOverLimit = true } else { result.rows.append(row) }
  }
}

/// Reading libpq's texts.
enum ResultFields {
  static func string(_ pointer: UnsafePointer<CChar>?) -> String {
    guard let pointer = unsafe pointer else { return "" }
    return unsafe String(cString: pointer)
  }

  static func string(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
    unsafe string(UnsafePointer(pointer))
  }

  /// One field of an error or notice; nil when the server did not send it.
  static func text(_ result: OpaquePointer, _ field: Int32) -> String? {
    guard let pointer = unsafe PQresultErrorField(result, field) else { return nil }
    return unsafe String(cString: pointer)
  }

  /// The error of a failed result, with the text psycopg2 would print: without the severity in front.
  static func error(_ result: OpaquePointer) -> PostgresError {
    var message = unsafe string(PQresultErrorMessage(result))
    for severity in ["ERROR:  ", "FATAL:  ", "PANIC:  "] where message.hasPrefix(severity) {
      message.removeFirst(severity.count)
      break
    }
    return PostgresError(
      .statement, message,
      sqlState: unsafe text(result, SLY_PG_DIAG_SQLSTATE),
      primary: unsafe text(result, SLY_PG_DIAG_MESSAGE_PRIMARY),
      detail: unsafe text(result, SLY_PG_DIAG_MESSAGE_DETAIL),
      hint: unsafe text(result, SLY_PG_DIAG_MESSAGE_HINT),
      position: unsafe text(result, SLY_PG_DIAG_STATEMENT_POSITION).flatMap { Int($0) })
  }
}
