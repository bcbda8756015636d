/// The version of the product.
package enum Version {
  /// Semantic version of this source tree.
  package static let text = "0.1.0"
  /// What the scheduler is told about this client: name and version.
  package static let identity = "sallyport/" + text
}
