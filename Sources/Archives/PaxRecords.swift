/// The records of a pax header: lines `LENGTH KEY=VALUE`, the length counting all of the line.
enum PaxRecords {
  /// - Throws: for lines that are none.
  static func parse(_ bytes: [UInt8]) throws(ArchiveError) -> [(key: String, value: [UInt8])] {
    var records: [(key: String, value: [UInt8])] = []
    var rest = bytes[...]
    while let first = rest.first, first != 0 {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      guard digits.count <= 8, let length = Int(String(decoding: digits, as: UTF8.self)), length > digits.count + 1,
        length <= rest.count
      else { throw fault }
      let line = rest.prefix(length)
      let body = line.dropFirst(digits.count)
      guard body.first == 0x20, body.last == 0x0A, let mark = body.firstIndex(of: UInt8(ascii: "=")) else {
        throw fault
      }
      let key = String(decoding: body[body.index(after: body.startIndex)..<mark], as: UTF8.self)
      records.append((key, Array(body[body.index(after: mark)...].dropLast())))
      rest = rest.dropFirst(length)
    }
    return records
  }

  /// - Throws: for a key that makes a file something else than the bytes that follow.
  static func check(_ key: String) throws(ArchiveError) {
    guard key.hasPrefix("GNU.sparse") else { return }
    throw ArchiveError(.refused, "holds a sparse file")
  }

  private static var fault: ArchiveError {
    ArchiveError(.damaged, "holds a header with records that cannot be read")
  }
}
