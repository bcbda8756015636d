internal import CurlTransfer
internal import Secrets

/// The address of a token endpoint, taken apart by the library that will dial it, so that both see the same host.
package struct TokenURL: Sendable, Hashable, CustomStringConvertible {
  /// Why a text is no such address; the text is not repeated.
  package struct Fault: Error, Sendable, Hashable {
    /// The end of a sentence that begins with the address.
    package let reason: String
  }

  /// The whole address as it is dialed.
  package let text: String
  let address: TransferAddress

  /// A name or an address literal, without brackets.
  package var host: String { address.host }
  /// TCP port, 1...65535.
  package var port: Int { address.port }
  /// Whether the scheme is https; http is accepted for this machine only.
  package var isSecure: Bool { address.isSecure }

  /// Reads an address of at most 2048 visible ASCII characters.
  package init(_ text: String) throws(Fault) {
    guard text.utf8.allSatisfy({ (33..<127).contains($0) }), !text.isEmpty, text.utf8.count <= 2_048 else {
      throw Fault(reason: "is longer than 2048 bytes or holds characters that no URL has")
    }
    // libcurl forgives a wrong number of slashes; whoever wrote it meant something else.
    let lower = text.lowercased()
    guard let mark = ["https://", "http://"].first(where: { lower.hasPrefix($0) }) else {
      throw Fault(reason: "does not begin with https://")
    }
    guard !lower.dropFirst(mark.count).hasPrefix("/") else { throw Fault(reason: "lacks the host") }
    let url: CurlURL
    do throws(CurlURL.Fault) {
      url = try CurlURL(SharedSecret(copying: text.utf8))
      address = try url.address()
    } catch {
      throw Fault(
        reason: error == .noMemory ? "cannot be read: no memory" : "is no URL of the form https://host/path")
    }
    guard !url.has(.user), !url.has(.password) else {
      throw Fault(reason: "carries a user or password, which has no place there")
    }
    guard !url.has(.fragment) else { throw Fault(reason: "has a fragment (#…)") }
    self.text = text
    guard isSecure || Self.isLocal(host.lowercased()) else {
      throw Fault(
        reason: "is http://, which would send the client's secret unprotected to another machine: use https://")
    }
  }

  /// Whether a host, by its spelling, is this machine. What it resolves to is checked again when dialing.
  private static func isLocal(_ name: String) -> Bool {
    name == "localhost" || name.hasSuffix(".localhost") || Loopback.isAddress(name)
  }

  /// Scheme, host, port and path: what error messages show. A query stays out.
  package var description: String { address.description }
}
