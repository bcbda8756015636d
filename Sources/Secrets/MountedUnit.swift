import CLinux
import Glibc

/// The contents of several mounted files that belong together, such as a certificate and its key: of one generation or
/// not read at all.
///
/// Files that lie in one volume with `..data` are read beneath one opening of it, so that a swap in between cannot mix
/// two generations. Plain files carry no such promise (`isAtomic` is false): a `GenerationGate` has to see them twice.
package struct MountedUnit: Sendable {
  /// One file to be read.
  package struct Member: Sendable, Hashable {
    /// What the file holds and how it is kept.
    package enum Kind: Sendable, Hashable {
      /// A file with nothing secret in it.
      case open
      /// The same, or a folder, which stands for all files in it.
      case bundle
      /// A secret of text: one line end at its end is dropped.
      case secret
      /// A secret in which every byte counts.
      case binarySecret
    }

    /// As the user gave it.
    package let path: String
    /// What it holds.
    package let kind: Kind

    package init(path: String, kind: Kind) {
      self.path = path
      self.kind = kind
    }
  }

  /// A file that holds nothing secret.
  package struct OpenContent: Sendable, Hashable {
    /// The path, for messages.
    package let path: String
    /// What stands in it.
    package let bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
      self.path = path
      self.bytes = bytes
    }
  }

  /// What a member held.
  package enum Content: Sendable {
    /// A file, or the files of a folder in the order of their names.
    case open([OpenContent])
    case secret(SharedSecret)

    /// The files of an open member or a bundle; empty for a secret.
    package var files: [OpenContent] {
      if case .open(let files) = self { return files }
      return []
    }

    /// The secret of a secret member.
    package var secret: SharedSecret? {
      if case .secret(let secret) = self { return secret }
      return nil
    }
  }

  /// What an operator should know about a file though it was read.
  package enum Note: Sendable, Hashable, CustomStringConvertible {
    /// A secret that every user of the machine may read.
    case readableByEveryone(path: String)
    /// Mounted by itself: a renewed volume never shows.
    case neverUpdates(path: String)

    package var description: String {
      switch self {
      case .readableByEveryone(let path):
        "'\(path)' can be read by every user: mount it with mode 0400, or 0440 with an fsGroup"
      case .neverUpdates(let path):
        "'\(path)' is mounted by itself (subPath), so that a renewed one never arrives: mount its whole volume"
      }
    }
  }

  /// The most bytes of one file that holds nothing secret: 1 MiB.
  package static let fileLimit = 1 << 20
  /// The most bytes of all files of a folder: 8 MiB.
  package static let folderLimit = 8 << 20
  /// The most files of a folder.
  package static let mostFiles = 256
  /// Attempts made when files vanish or change while they are read, as they do during a swap.
  private static let attempts = 4

  /// In the order of the members asked for.
  package let contents: [Content]
  /// SHA-256 over paths, names and contents: equal exactly when everything that was read is equal.
  package let fingerprint: [UInt8]
  /// Whether every file came from one opening of its volume's `..data`.
  package let isAtomic: Bool
  /// What an operator should know.
  package let notes: [Note]

  /// Reads all members. Blocks on the file system: not for the event loop's thread.
  ///
  /// - Throws: the first fault, with the path as the user gave it.
  package static func read(_ members: [Member]) throws(SecretError) -> MountedUnit {
    var last = SecretError(.changing, path: members.first?.path ?? "")
    for _ in 0..<attempts {
      do throws(SecretError) {
        var reader = MountedUnitReader()
        return try reader.read(members)
      } catch {
        guard error.code == .missing || error.code == .changing else { throw error }
        last = error
      }
    }
    throw last
  }
}
