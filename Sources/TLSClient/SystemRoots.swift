internal import CLinux
internal import COpenSSL
internal import Glibc

/// The certificate authorities that the system trusts.
struct SystemRoots {
  /// How many there are: certificates of the bundle and hashed names of the folders.
  let count: Int
  /// Where they were looked for, for the log.
  let source: String

  /// Adds them to a store.
  ///
  /// The library reports success also when there is nothing to load, so that they are counted here.
  static func load(into context: OpaquePointer) -> SystemRoots {
    let before = unsafe sly_store_count(SSL_CTX_get_cert_store(context))
    guard unsafe SSL_CTX_set_default_verify_paths(context) == 1 else {
      OpenSSLErrors.clear()
      return SystemRoots(count: 0, source: "nowhere")
    }
    OpenSSLErrors.clear()
    let loaded = unsafe Int(sly_store_count(SSL_CTX_get_cert_store(context)) - before)
    let file = unsafe path(X509_get_default_cert_file_env(), X509_get_default_cert_file())
    let folders = unsafe path(X509_get_default_cert_dir_env(), X509_get_default_cert_dir())
    let hashed = folders.split(separator: ":").reduce(0) { $0 + hashedNames(in: String($1)) }
    return SystemRoots(count: loaded + hashed, source: "'\(file)' (\(loaded)) and '\(folders)' (\(hashed))")
  }

  /// The value of a variable of the environment, or else the built-in path.
  private static func path(_ variable: UnsafePointer<CChar>?, _ builtIn: UnsafePointer<CChar>?) -> String {
    if let variable = unsafe variable, let value = unsafe getenv(variable) { return unsafe String(cString: value) }
    return unsafe builtIn.map { unsafe String(cString: $0) } ?? ""
  }

  /// How many names of the form `1a2b3c4d.0` a folder has: the library finds authorities by those only.
  private static func hashedNames(in folder: String) -> Int {
    guard let listing = unsafe opendir(folder) else { return 0 }
    defer { unsafe closedir(listing) }
    var count = 0
    while let entry = unsafe readdir(listing) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { area in
        unsafe area.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      let isHashed =
        parts.count == 2 && parts[0].utf8.count == 8 && parts[0].allSatisfy(\.isHexDigit)
        && !parts[1].isEmpty && parts[1].allSatisfy(\.isNumber)
      if isHashed { count += 1 }
    }
    return count
  }
}
