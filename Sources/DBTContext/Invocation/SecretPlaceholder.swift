package import Secrets

/// What stands for a secret variable in rendered text, until the loader of profiles or packages puts the value in place.
///
/// `env_var('DBT_ENV_SECRET_X')` gives this text there, so that filters and logs never see the value.
package enum SecretPlaceholder {
  private static let start = "$$$DBT_SECRET_START$$$"
  private static let end = "$$$DBT_SECRET_END$$$"

  /// The stand-in of a variable.
  package static func text(for name: String) -> String { start + name + end }

  /// The names of the variables whose stand-ins occur in a text, in order.
  package static func names(in text: String) -> [String] {
    parts(of: text).compactMap { if case .secret(let name) = $0 { name } else { nil } }
  }

  /// The text with every stand-in replaced by what it may be shown as.
  ///
  /// - Parameter shown: gives that for the name of a variable.
  package static func replaced(in text: String, by shown: (String) -> String) -> String {
    guard text.contains(start) else { return text }
    return parts(of: text).map { part in
      switch part {
      case .text(let plain): plain
      case .secret(let name): shown(name)
      }
    }.joined()
  }

  /// The text with every stand-in replaced by its value, or nil when it holds none.
  ///
  /// - Throws: `DBTError` when a stand-in names a variable that is not set, as a changed (filtered) one does.
  package static func resolve(_ text: String, in environment: ProcessEnvironment) throws -> SharedSecret? {
    let parts = parts(of: text)
    guard parts.contains(where: { if case .secret = $0 { true } else { false } }) else { return nil }
    var bytes: [UInt8] = []
    defer { for index in bytes.indices { bytes[index] = 0 } }
    for part in parts {
      switch part {
      case .text(let plain): bytes += plain.utf8
      case .secret(let name):
        guard let secret = environment.secrets[name] else {
          throw DBTError(.parsing, "Env var required but not provided: '\(name)'")
        }
        unsafe secret.withBytes { unsafe bytes.append(contentsOf: $0) }
      }
    }
    return SharedSecret(copying: bytes)
  }

  private enum Part {
    case text(String)
    case secret(String)
  }

  private static func parts(of text: String) -> [Part] {
    var parts: [Part] = []
    var rest = text[...]
    while let open = rest.firstRange(of: start), let close = rest[open.upperBound...].firstRange(of: end) {
      parts.append(.text(String(rest[..<open.lowerBound])))
      parts.append(.secret(String(rest[open.upperBound..<close.lowerBound])))
      rest = rest[close.upperBound...]
    }
    parts.append(.text(String(rest)))
    return parts
  }
}
