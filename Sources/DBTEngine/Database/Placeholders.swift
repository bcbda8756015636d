/// The `%s` of statements with bindings.
enum Placeholders {
  /// The SQL with each `%s` replaced by the next literal and `%%` by `%`.
  ///
  /// Surplus literals are ignored and missing ones leave their `%s`, which the database then refuses.
  static func filled(_ sql: String, _ literals: [String]) -> String {
    var result: [UInt8] = []
    let bytes = Array(sql.utf8)
    result.reserveCapacity(bytes.count + literals.reduce(0) { $0 + $1.utf8.count })
    var next = literals.makeIterator()
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      guard byte == UInt8(ascii: "%"), index + 1 < bytes.count else {
        result.append(byte)
        index += 1
        continue
      }
      if bytes[index + 1] == UInt8(ascii: "s"), let literal = next.next() {
        result += literal.utf8
        index += 2
      } else {
        result.append(byte)
        index += bytes[index + 1] == UInt8(ascii: "%") ? 2 : 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
