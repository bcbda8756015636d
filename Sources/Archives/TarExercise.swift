/// What the fuzzer and the unit tests hold an archive of any bytes to.
package enum TarExercise {
  /// Reads every member, of the bytes as they are and with the checksums of headers put right. False when what came out does not hold: paths that lead out, contents that are not of the size said,
  /// more than the limits admit.
  package static func run(_ bytes: [UInt8]) -> Bool { holds(bytes) && holds(repaired(bytes)) }

  /// A changed header would be refused for its checksum, before anything else of it is looked at.
  private static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for start in stride(from: 0, to: bytes.count - 511, by: 512) where bytes[start + 257] == UInt8(ascii: "u") {
      let field = start + 148..<start + 156
      for index in field { bytes[index] = 0x20 }
      let sum = String(bytes[start..<start + 512].reduce(0) { $0 + Int($1) }, radix: 8)
      for (index, digit) in zip(field, sum.utf8) { bytes[index] = digit }
    }
    return bytes
  }

  private static func holds(_ bytes: [UInt8]) -> Bool {
    var limits = ArchiveLimits()
    limits.members = 100
    var reader = TarReader(PlainBytes(bytes), limits: limits)
    var count = 0
    do throws(ArchiveError) {
      while let member = try reader.next() {
        count += 1
        var read = 0
        while true {
          let piece = try reader.read(1_000)
          if piece.isEmpty { break }
          read += piece.count
        }
        var paths = [member.path]
        if case .hardLink(let target) = member.kind { paths.append(target) }
        let areInside = paths.allSatisfy { path in
          !path.parts.isEmpty && path.parts.count <= limits.depth
            && path.parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.contains("/") }
        }
        guard areInside, read == member.size, count <= limits.members else { return false }
      }
    } catch {
      return !error.message.isEmpty
    }
    return true
  }
}
