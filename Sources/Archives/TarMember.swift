/// One entry of a tar archive.
package struct TarMember: Sendable, Hashable {
  /// What an entry stands for.
  package enum Kind: Sendable, Hashable {
    case file
    case folder
    /// A symbolic link with its text.
    case symbolicLink(String)
    /// The same file as an earlier entry, whose path this is.
    case hardLink(ArchivePath)
  }

  package let path: ArchivePath
  package let kind: Kind
  /// Bytes of a file; 0 for everything else.
  package let size: Int
  /// The lower bits of the permissions as written, not to be trusted.
  package let mode: Int
}

/// A path within an archive: relative, no `.` or `..` in it, at least one part.
package struct ArchivePath: Sendable, Hashable, CustomStringConvertible {
  package let parts: [String]

  /// Reads a path as an archive has it.
  ///
  /// - Throws: for a path that is absolute, climbs up, is no UTF-8, too long or too deep. Nil: it means the top itself (`./`).
  init?(_ bytes: [UInt8], _ limits: ArchiveLimits) throws(ArchiveError) {
    guard bytes.count <= limits.pathBytes else {
      throw ArchiveError(.tooLarge, "holds a path of more than \(limits.pathBytes) bytes")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ArchiveError(.refused, "holds a path that is not UTF-8: '\(Self.shown(bytes))'")
    }
    guard !text.hasPrefix("/") else {
      throw ArchiveError(.refused, "holds the absolute path '\(Self.shown(bytes))'")
    }
    guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      throw ArchiveError(.refused, "holds a path with control characters: '\(Self.shown(bytes))'")
    }
    var parts: [String] = []
    for part in text.split(separator: "/") where part != "." {
      guard part != ".." else {
        throw ArchiveError(.refused, "holds a path that leads out of it: '\(Self.shown(bytes))'")
      }
      guard part.utf8.count <= 255 else {
        throw ArchiveError(.tooLarge, "holds a name of more than 255 bytes: '\(Self.shown(bytes))'")
      }
      parts.append(String(part))
    }
    guard !parts.isEmpty else { return nil }
    guard parts.count <= limits.depth else {
      throw ArchiveError(.tooLarge, "holds a path of more than \(limits.depth) folders: '\(Self.shown(bytes))'")
    }
    self.parts = parts
  }

  /// The folders that the path runs through, from the top, without the path itself.
  package var parents: [String] {
    (1..<max(1, parts.count)).map { parts[..<$0].joined(separator: "/") }
  }

  package var description: String { parts.joined(separator: "/") }

  /// At most 120 characters that can be printed.
  static func shown(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes.prefix(120), as: UTF8.self)
    return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
  }
}
