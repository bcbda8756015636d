import DBTContext
import PlainData
import Secrets

/// An address in `packages.yml`, its templates rendered: stand-ins mark where values of secret variables belong.
struct PackageAddress {
  /// With stand-ins, see `SecretPlaceholder`.
  let text: String

  init(_ text: String) { self.text = text }

  /// As messages may show it: as in dbt, `*****` stands for a secret.
  var shown: String { SecretPlaceholder.replaced(in: text) { _ in "*****" } }

  /// As another program may be told it instead of the real one: the names of secret variables in place of their values.
  var named: String { SecretPlaceholder.replaced(in: text) { $0 } }

  var holdsSecrets: Bool { !SecretPlaceholder.names(in: text).isEmpty }

  /// With the values of secret variables.
  ///
  /// - Throws: a parsing error for a variable that is not set.
  func revealed(by environment: ProcessEnvironment) throws(ProjectError) -> SharedSecret {
    do {
      return try SecretPlaceholder.resolve(text, in: environment) ?? SharedSecret(copying: text.utf8)
    } catch {
      throw ProjectError(rendering: error, "Could not render \(shown): ", path: "packages.yml")
    }
  }
}
