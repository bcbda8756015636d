/// Bounds on what a CSV file may make the reader do.
package struct CSVLimits: Sendable {
  /// Bytes of the file.
  package var bytes: Int
  /// Characters of one field; Python's csv module has the same bound.
  package var fieldLength: Int
  /// Fields of one row.
  package var columns: Int

  package init(bytes: Int = 512 << 20, fieldLength: Int = 131_072, columns: Int = 1600) {
    self.bytes = bytes
    self.fieldLength = fieldLength
    self.columns = columns
  }
}

/// Reads CSV as Python's `csv.reader` does in its default dialect: quotes are doubled inside quoted fields, quoted fields
/// may hold line ends, blank lines give empty rows.
package enum CSVReader {
  /// The rows of a text in UTF-8, the header among them. A byte order mark is dropped.
  ///
  /// - Throws: `DBTError` (runtime) for text that is not UTF-8, a delimiter that is not one ASCII character, a NUL byte or
  ///   an exceeded limit; the message gives the line.
  package static func rows(
    _ bytes: [UInt8], delimiter: String = ",", limits: CSVLimits = CSVLimits()
  ) throws(DBTError) -> [[String]] {
    guard let mark = delimiter.utf8.first, delimiter.utf8.count == 1, mark < 0x80, mark != 0x0A, mark != 0x0D else {
      throw DBTError(.runtime, "\"delimiter\" must be a 1-character string, not '\(delimiter)'")
    }
    guard bytes.count <= limits.bytes else {
      throw DBTError(.runtime, "the CSV file has \(bytes.count) bytes, more than the limit of \(limits.bytes)")
    }
    var machine = CSVMachine(delimiter: mark, limits: limits)
    var at = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while at < bytes.count {
      try machine.take(bytes[at])
      at += 1
    }
    return try machine.finish()
  }
}

private struct CSVMachine {
  private enum State {
    case rowStart, fieldStart, plain, quoted, quoteInQuoted, carriageReturn
  }

  private let delimiter: UInt8
  private let limits: CSVLimits
  private var state = State.rowStart
  private var rows: [[String]] = []
  private var row: [String] = []
  private var field: [UInt8] = []
  private var line = 1

  init(delimiter: UInt8, limits: CSVLimits) {
    self.delimiter = delimiter
    self.limits = limits
  }

  private static let quote = UInt8(ascii: "\"")

  mutating func take(_ byte: UInt8) throws(DBTError) {
    if byte == 0 { throw fault("line contains NUL") }
    switch state {
    case .carriageReturn:
      state = .rowStart
      // The second half of a line end.
      if byte != 0x0A { try take(byte) }
    case .rowStart where byte == 0x0A || byte == 0x0D: endRow(byte)
    case .rowStart, .fieldStart:
      if byte == CSVMachine.quote {
        state = .quoted
      } else {
        try takePlain(byte)
      }
    case .plain: try takePlain(byte)
    case .quoted:
      if byte == CSVMachine.quote {
        state = .quoteInQuoted
      } else {
        if byte == 0x0A { line += 1 }
        try append(byte)
      }
    case .quoteInQuoted:
      if byte == CSVMachine.quote {
        try append(byte)
        state = .quoted
      } else {
        try takePlain(byte)
      }
    }
  }

  private mutating func takePlain(_ byte: UInt8) throws(DBTError) {
    if byte == delimiter {
      try endField()
      state = .fieldStart
    } else if byte == 0x0A || byte == 0x0D {
      try endField()
      endRow(byte)
    } else {
      try append(byte)
      state = .plain
    }
  }

  private mutating func append(_ byte: UInt8) throws(DBTError) {
    field.append(byte)
    guard field.count <= limits.fieldLength else {
      throw fault("a field is larger than the limit of \(limits.fieldLength) bytes")
    }
  }

  private mutating func endField() throws(DBTError) {
    guard let text = String(validating: field, as: UTF8.self) else { throw fault("the text is not valid UTF-8") }
    guard row.count < limits.columns else { throw fault("a row has more fields than the limit of \(limits.columns)") }
    row.append(text)
    field.removeAll(keepingCapacity: true)
  }

  private mutating func endRow(_ byte: UInt8) {
    rows.append(row)
    row = []
    line += 1
    state = byte == 0x0D ? .carriageReturn : .rowStart
  }

  mutating func finish() throws(DBTError) -> [[String]] {
    if state != .rowStart, state != .carriageReturn {
      try endField()
      rows.append(row)
    }
    return rows
  }

  private func fault(_ message: String) -> DBTError { DBTError(.runtime, "CSV line \(line): \(message)") }
}
