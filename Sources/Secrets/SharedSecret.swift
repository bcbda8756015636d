import CLinux
import Glibc

/// A secret with several holders: overwritten when the last one lets go. Prints as `<secret>` in every way of printing.
package final class SharedSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The most bytes a secret's file may have: 64 KiB, ample for keys, tokens and certificate chains with their key.
  package static let fileLimit = 64 << 10

  private let secret: Secret

  /// Takes over a secret.
  package init(_ secret: consuming Secret) { self.secret = secret }

  /// Copies the bytes into protected memory; the caller's own copy stays the caller's to overwrite.
  package convenience init(copying bytes: some Sequence<UInt8>) { self.init(Secret.copying(bytes)) }

  /// Reads a mounted file; one line end at its end is not part of the secret.
  package static func read(path: String) throws(SecretError) -> SharedSecret {
    SharedSecret(try Secret.read(path: path))
  }

  /// The number of bytes.
  package var count: Int { secret.count }

  /// Whether there is no byte.
  package var isEmpty: Bool { secret.count == 0 }

  /// Lends the bytes for the time of the call. Whoever copies them out must overwrite the copy.
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    unsafe try secret.withBytes { bytes in unsafe try body(bytes) }
  }

  /// Lends the bytes with a zero byte after them, for C functions that want a string. A zero byte inside
  /// the secret ends that string early. The copy made for it is overwritten.
  package func withCString<R>(_ body: (UnsafePointer<CChar>) throws -> R) rethrows -> R {
    let terminated = secret.terminated()
    return unsafe try terminated.withBytes { bytes in
      // A terminated secret has at least one byte, so its memory has a start.
      guard let start = bytes.baseAddress else { return unsafe try body("") }
      return unsafe try body(start.assumingMemoryBound(to: CChar.self))
    }
  }

  /// Whether both hold the same bytes. The time taken depends on the lengths only.
  package func matches(_ other: SharedSecret) -> Bool {
    unsafe withBytes { mine in
      unsafe other.withBytes { theirs in
        guard mine.count == theirs.count else { return false }
        var difference: UInt8 = 0
        for index in 0..<mine.count { difference |= unsafe mine[index] ^ theirs[index] }
        return difference == 0
      }
    }
  }

  package var description: String { "<secret>" }
  package var debugDescription: String { "<secret>" }
  package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
