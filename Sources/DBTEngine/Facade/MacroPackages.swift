import CLinux
import Glibc

/// dbt's own macro packages: the folders `dbt` and `dbt_postgres` that set-up unpacks from the published wheels.
package enum MacroPackages {
  /// Finds the folder that holds both: `SALLYPORT_MACROS`, then `../share/sallyport/macros` beside the program, then
  /// `.cache/macros` in the working folder or one above it.
  ///
  /// - Parameter configured: the value of `SALLYPORT_MACROS`.
  /// - Throws: a project error that says where was looked.
  package static func find(configured: String?) throws(EngineError) -> String {
    var tried: [String] = []
    for folder in candidates(configured) {
      if isComplete(folder) { return folder }
      tried.append(folder)
      if configured?.isEmpty == false { break }
    }
    throw EngineError(
      .runtime,
      "dbt's macro packages were not found. Looked for the folders 'dbt' and 'dbt_postgres' in: "
        + "\(tried.joined(separator: ", ")). Run 'make setup', or set SALLYPORT_MACROS to their folder.")
  }

  private static func candidates(_ configured: String?) -> [String] {
    if let configured, !configured.isEmpty { return [configured] }
    var folders: [String] = []
    if let program = programFolder { folders.append("\(program)/../share/sallyport/macros") }
    let raw: UnsafeMutablePointer<CChar>? = unsafe getcwd(nil, 0)
    guard let current = unsafe raw else { return folders }
    var parts = unsafe String(cString: current).split(separator: "/")
    unsafe free(current)
    while true {
      folders.append("/" + (parts + [".cache", "macros"]).joined(separator: "/"))
      if parts.isEmpty { return folders }
      parts.removeLast()
    }
  }

  private static var programFolder: String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let length = unsafe buffer.withUnsafeMutableBytes { area -> Int in
      guard let start = area.baseAddress else { return 0 }
      return unsafe readlink("/proc/self/exe", start.assumingMemoryBound(to: CChar.self), area.count)
    }
    guard length > 0 else { return nil }
    return String(decoding: buffer[..<length], as: UTF8.self).split(separator: "/").dropLast().reduce(into: "") {
      $0 += "/\($1)"
    }
  }

  private static func isComplete(_ folder: String) -> Bool {
    ["dbt", "dbt_postgres"].allSatisfy { unsafe access("\(folder)/\($0)/dbt_project.yml", R_OK) == 0 }
  }
}
