internal import CurlTransfer
package import Secrets

/// An address that is downloaded from, taken apart by the library that will dial it, so that both see the same host.
///
/// It may hold a user and password, which go to that host only (RFC 7617). Prints without them and without its query.
package struct DownloadURL: Sendable, CustomStringConvertible {
  /// Why a text is no such address; the text is not repeated.
  package struct Fault: Error, Sendable, Hashable {
    /// The end of a sentence that begins with the address.
    package let reason: String
  }

  /// The whole address as it is dialed.
  let text: SharedSecret
  let address: TransferAddress
  private let hasUser: Bool

  /// A name or an address literal, without brackets.
  package var host: String { address.host }
  /// TCP port, 1...65535.
  package var port: Int { address.port }
  package var isSecure: Bool { address.isSecure }

  /// Reads an address of at most 8192 visible ASCII characters.
  ///
  /// - Throws: `Fault`, also for a scheme other than http and https, and for a password that http would send in the clear to
  ///   another machine.
  package init(_ text: SharedSecret) throws(Fault) { try self.init(text, relativeTo: nil) }

  /// The address that an answer leads on to: `Location`, absolute or relative.
  ///
  /// User and password go along to the same scheme, host and port only, and from https there is no way to http.
  ///
  /// - Throws: `Fault` with the end of a sentence that begins with that address.
  func following(_ location: String) throws(Fault) -> DownloadURL {
    let next = try DownloadURL(SharedSecret(copying: location.utf8), relativeTo: self)
    guard next.isSecure || !isSecure else { throw Fault(reason: "is http://, to where https:// does not lead") }
    return next
  }

  private init(_ text: SharedSecret, relativeTo base: DownloadURL?) throws(Fault) {
    let isVisible = unsafe text.withBytes { bytes in unsafe bytes.allSatisfy { (33..<127).contains($0) } }
    guard isVisible, (1...8_192).contains(text.count) else {
      throw Fault(reason: "is empty, longer than 8192 bytes, or holds characters that no URL has")
    }
    do throws(CurlURL.Fault) {
      let url = try CurlURL(base?.text ?? text)
      if base != nil { try url.set(.whole, text) }
      address = try url.address()
      if let base, base.hasUser, base.isSameServer(address), !url.has(.user) { try base.giveUser(to: url) }
      hasUser = url.has(.user) || url.has(.password)
      guard let whole = url.secret(.whole) else { throw .malformed }
      self.text = whole
    } catch {
      switch error {
      case .otherScheme: throw Fault(reason: "has a scheme other than https and http")
      case .malformed: throw Fault(reason: "is no URL of the form https://host/path")
      case .noMemory: throw Fault(reason: "cannot be read: no memory")
      }
    }
    guard isSecure || !hasUser || host.lowercased() == "localhost" || Loopback.isAddress(host) else {
      throw Fault(reason: "holds a user or password, which http:// would send in the clear: use https://")
    }
  }

  private func isSameServer(_ other: TransferAddress) -> Bool {
    isSecure == other.isSecure && host.lowercased() == other.host.lowercased() && port == other.port
  }

  private func giveUser(to url: CurlURL) throws(CurlURL.Fault) {
    let own = try CurlURL(text)
    for part in [CurlURL.Part.user, .password] { if let value = own.secret(part) { try url.set(part, value) } }
  }

  /// Scheme, host, port and path.
  package var description: String { address.description }
}
