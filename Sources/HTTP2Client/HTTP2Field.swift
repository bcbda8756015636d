package import Secrets

/// A field of a request: a lower-case name and a value, which may be a secret.
package struct HTTP2Field: Sendable {
  /// The value and how it may be treated.
  package enum Value: Sendable {
    /// An ordinary value.
    case text(String)
    /// A secret: kept out of both compression tables, and wiped from our own buffers once handed over.
    case secret(SharedSecret)
  }

  /// Lower-case name; pseudo fields begin with a colon and come first.
  package let name: String
  /// The value.
  package let value: Value

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = .text(value)
  }

  package init(_ name: String, secret: SharedSecret) {
    self.name = name
    value = .secret(secret)
  }
}

/// A field of a response, as received.
package struct HTTP2ResponseField: Sendable, Hashable {
  /// Lower-case name.
  package let name: String
  /// The value, with bytes that are not UTF-8 replaced.
  package let value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}
