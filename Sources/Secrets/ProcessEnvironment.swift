import CLinux
import Glibc

/// The environment variables of this process, with the secret ones taken out of it.
package struct ProcessEnvironment: Sendable {
  /// Every variable that is not secret and is valid UTF-8.
  package private(set) var values: [String: String]
  /// The secret variables that are set and not empty.
  package private(set) var secrets: [String: SharedSecret]

  /// For tests and callers that have the values at hand.
  package init(values: [String: String], secrets: [String: SharedSecret] = [:]) {
    self.values = values
    self.secrets = secrets
  }

  /// Reads the environment. The value of each name in `secretNames` is moved into protected memory and overwritten
  /// where it stood, so that `/proc/PID/environ`, crash reports and child processes no longer show it. Variables whose names
  /// begin with `wipedPrefix` are overwritten there too but stay in `values`: templates may read them.
  ///
  /// Call it once, before other threads run: the environment is shared, unguarded memory.
  package static func take(secretNames: Set<String>, wipedPrefix: String? = nil) -> ProcessEnvironment {
    var values: [String: String] = [:]
    var secrets: [String: SharedSecret] = [:]
    var cursor = unsafe sly_environ()
    while let entry = unsafe cursor?.pointee {
      unsafe cursor = cursor?.advanced(by: 1)
      guard let equals = unsafe strchr(entry, Int32(UInt8(ascii: "="))) else { continue }
      let length = unsafe equals - entry
      let nameBytes = unsafe UnsafeRawBufferPointer(start: entry, count: length)
      let name = unsafe String(decoding: nameBytes, as: UTF8.self)
      let value = unsafe equals.advanced(by: 1)
      if secretNames.contains(name) {
        let size = unsafe strlen(value)
        if size > 0 {
          secrets[name] = unsafe SharedSecret(copying: UnsafeRawBufferPointer(start: value, count: size))
          unsafe explicit_bzero(value, size)
        }
      } else {
        if values[name] == nil { values[name] = unsafe String(validatingCString: value) }
        if let wipedPrefix, name.hasPrefix(wipedPrefix) { unsafe explicit_bzero(value, strlen(value)) }
      }
    }
    return ProcessEnvironment(values: values, secrets: secrets)
  }
}
