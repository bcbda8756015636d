package import Secrets

/// The user and password that a proxy asks for (Basic, RFC 7617). The password may stand in a file that is replaced.
package struct ProxyCredentials: Sendable {
  /// Where the password comes from.
  package enum Password: Sendable {
    /// None was given: an empty one is sent.
    case none
    case fixed(SharedSecret)
    /// Read again for every dial, as far as the file has changed.
    case file(SecretFile)
  }

  /// The longest user or password that is sent, in bytes.
  package static let lengthLimit = 2_048

  /// The user, without percent-encoding.
  package let user: SharedSecret
  /// Where the password comes from.
  package let password: Password

  package init(user: SharedSecret, password: Password) {
    self.user = user
    self.password = password
  }

  /// The value of `proxy-authorization` as of now. Blocks when the password stands in a file. The password is kept out of
  /// the log from now on.
  ///
  /// - Throws: `EgressError.proxyPassword`; neither user nor password stands in it.
  package func authorization() throws(EgressError) -> SharedSecret {
    let password = try currentPassword()
    if let password { Redactor.process.register(password) }
    guard user.count <= Self.lengthLimit, password.map({ $0.count <= Self.lengthLimit }) ?? true else {
      throw EgressError(
        .proxyPassword, "the proxy's user or password is longer than \(Self.lengthLimit) bytes: check what was mounted")
    }
    return unsafe user.withBytes { user in
      guard let password else { return unsafe Self.basic(user, UnsafeRawBufferPointer(start: nil, count: 0)) }
      return unsafe password.withBytes { password in unsafe Self.basic(user, password) }
    }
  }

  /// The password as of now; nil: none was given.
  ///
  /// - Throws: `EgressError.proxyPassword`.
  package func currentPassword() throws(EgressError) -> SharedSecret? {
    switch password {
    case .none: return nil
    case .fixed(let secret): return secret
    case .file(let file):
      do throws(SecretError) {
        return try file.current()
      } catch {
        throw EgressError(.proxyPassword, "the proxy's password: \(error)")
      }
    }
  }

  /// `Basic` and the base64 form of `user:password`, straight into protected memory.
  private static func basic(_ user: UnsafeRawBufferPointer, _ password: UnsafeRawBufferPointer) -> SharedSecret {
    let head = Array("Basic ".utf8)
    let count = user.count + 1 + password.count
    /// The byte of `user:password` at an index.
    func byte(_ index: Int) -> UInt8 {
      if index < user.count { return unsafe user[index] }
      return index == user.count ? UInt8(ascii: ":") : unsafe password[index - user.count - 1]
    }
    /// The character of the whole value at an index.
    func character(_ index: Int) -> UInt8 {
      guard index >= head.count else { return head[index] }
      let (group, place) = (index - head.count).quotientAndRemainder(dividingBy: 4)
      let start = group * 3
      guard start + place <= count else { return UInt8(ascii: "=") }
      var bits: UInt32 = 0
      for offset in 0..<3 { bits = bits << 8 | (start + offset < count ? UInt32(byte(start + offset)) : 0) }
      return alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)]
    }
    return SharedSecret(copying: (0..<head.count + (count + 2) / 3 * 4).lazy.map(character))
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}
