internal import Secrets

/// Makes the value of `authorization` out of an API key.
enum BearerKey {
  /// `Bearer` and the key, in protected memory; nil unless the key is 1...8192 visible ASCII characters.
  static func authorization(_ key: SharedSecret) -> SharedSecret? {
    unsafe key.withBytes { bytes -> SharedSecret? in
      guard (1...8_192).contains(bytes.count), unsafe bytes.allSatisfy({ (33..<127).contains($0) }) else { return nil }
      return SharedSecret(copying: unsafe [AnySequence("Bearer ".utf8), AnySequence(bytes)].joined())
    }
  }

  /// What to say of a key that cannot be sent.
  static func fault(in what: String) -> String {
    "\(what) is empty, longer than 8192 bytes or holds characters that no key has: check what was put into it"
  }

  /// Reads a key file. Blocks: only on a thread of its own.
  static func read(_ file: SecretFile) -> Result<SharedSecret, GRPCError> {
    do throws(SecretError) {
      guard let value = authorization(try file.current()) else {
        return .failure(unusable(fault(in: "the API key in '\(file.path)'")))
      }
      return .success(value)
    } catch {
      return .failure(unusable(error.description))
    }
  }

  private static func unusable(_ cause: String) -> GRPCError {
    GRPCError(.unavailable, "no API key", mayHaveReachedServer: false, cause: cause)
  }
}
