import Synchronization

/// Replaces the values of known secrets by `*****` in text that leaves the process: logs, failures, artifacts.
///
/// Values shorter than `minimumLength` bytes are not looked for: they would tear ordinary words apart and protect
/// nothing. Longer secrets go first, so that one which contains another disappears whole. Safe on every thread.
package final class Redactor: Sendable {
  /// The redactor that the log of this process uses; whoever reads a secret registers it here.
  package static let process = Redactor()

  /// The shortest value that is looked for, in bytes.
  package static let minimumLength = 4

  /// What stands in the place of a secret.
  package static let mark = "*****"

  private let secrets = Mutex<[SharedSecret]>([])

  /// Knows no secret yet.
  package init() {}

  /// Adds a value to look for. A value that is known already or is too short changes nothing.
  package func register(_ secret: SharedSecret) {
    guard secret.count >= Redactor.minimumLength else { return }
    secrets.withLock { secrets in
      guard !secrets.contains(where: { $0.matches(secret) }) else { return }
      let position = secrets.firstIndex { $0.count < secret.count } ?? secrets.endIndex
      secrets.insert(secret, at: position)
    }
  }

  /// No longer looks for a value, such as a token that was replaced. One that is not known is no error.
  package func forget(_ secret: SharedSecret) {
    secrets.withLock { $0.removeAll { $0.matches(secret) } }
  }

  /// The text without the known secrets; the same text when there are none in it.
  package func redact(_ text: String) -> String {
    let secrets = secrets.withLock { $0 }
    guard !secrets.isEmpty else { return text }
    var bytes: [UInt8]?
    for secret in secrets {
      if let replaced = Redactor.replace(secret, in: bytes ?? Array(text.utf8)) { bytes = replaced }
    }
    return bytes.map { String(decoding: $0, as: UTF8.self) } ?? text
  }

  /// Nil when the secret does not occur.
  private static func replace(_ secret: SharedSecret, in bytes: [UInt8]) -> [UInt8]? {
    unsafe secret.withBytes { needle -> [UInt8]? in
      var result: [UInt8]?
      var start = 0
      while let found = unsafe position(of: needle, in: bytes, from: start) {
        if result == nil { result = [] }
        result?.append(contentsOf: bytes[start..<found])
        result?.append(contentsOf: mark.utf8)
        start = found + needle.count
      }
      result?.append(contentsOf: bytes[start...])
      return result
    }
  }

  private static func position(of needle: UnsafeRawBufferPointer, in bytes: [UInt8], from start: Int) -> Int? {
    let first = unsafe needle[0]
    var index = start
    while index + needle.count <= bytes.count {
      if bytes[index] == first {
        let isHere = unsafe bytes.withUnsafeBytes { hay in
          unsafe hay[index..<(index + needle.count)].elementsEqual(needle)
        }
        if isHere { return index }
      }
      index += 1
    }
    return nil
  }
}
