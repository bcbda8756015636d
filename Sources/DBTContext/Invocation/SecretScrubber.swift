package import Secrets

/// Replaces the values of secrets by `*****` in texts that leave the process. Works on bytes; no secret becomes a string.
package struct SecretScrubber: Sendable {
  /// Longest first, so that a secret that contains another one vanishes whole.
  private let secrets: [SharedSecret]

  /// Blank secrets are ignored: they would match everywhere.
  package init(_ secrets: [SharedSecret]) {
    self.secrets = secrets.filter { secret in
      unsafe secret.withBytes { bytes in
        for index in 0..<bytes.count where unsafe !SecretScrubber.isBlank(bytes[index]) { return true }
        return false
      }
    }.sorted { $0.count > $1.count }
  }

  /// A scrubber that also knows the given secrets.
  package func adding(_ more: [SharedSecret]) -> SecretScrubber { SecretScrubber(secrets + more) }

  /// The text with every occurrence of every secret replaced.
  package func scrub(_ text: String) -> String {
    guard !secrets.isEmpty, !text.isEmpty else { return text }
    var bytes = Array(text.utf8)
    var isChanged = false
    for secret in secrets { unsafe secret.withBytes { unsafe isChanged = replace($0, in: &bytes) || isChanged } }
    return isChanged ? String(decoding: bytes, as: UTF8.self) : text
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private func replace(_ secret: UnsafeRawBufferPointer, in text: inout [UInt8]) -> Bool {
    guard secret.count > 0, text.count >= secret.count else { return false }
    let first = unsafe secret[0]
    var result: [UInt8] = []
    var copied = 0
    var at = 0
    while at + secret.count <= text.count {
      if text[at] == first, unsafe matches(secret, text, at) {
        result += text[copied..<at]
        result += [UInt8](repeating: UInt8(ascii: "*"), count: 5)
        at += secret.count
        copied = at
      } else {
        at += 1
      }
    }
    guard copied > 0 else { return false }
    result += text[copied...]
    text = result
    return true
  }

  private func matches(_ secret: UnsafeRawBufferPointer, _ text: [UInt8], _ at: Int) -> Bool {
    for index in 0..<secret.count where unsafe secret[index] != text[at + index] { return false }
    return true
  }
}
