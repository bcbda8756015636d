/// What the fuzzer and the unit tests hold an archive of any bytes to.
package enum TarExercise {
  /// Reads every member. False when what came out does not hold: paths that lead out, contents that are not of the size said,
  /// more than the limits admit.
  package static func run(_ bytes: [UInt8]) -> Bool {
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
