import Foundation

/// The Python of the tests' virtual environment, which differential tests ask for the right answers.
///
/// `SALLYPORT_VENV` names the environment; without it `.cache/venv` below the package's root is taken, which `make test` fills.
package enum PythonPeer {
  /// Why no answer came.
  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  /// Runs a script with text on its standard input.
  ///
  /// - Returns: what it wrote to standard output.
  /// - Throws: `Failure` when the environment is missing or the script ends with an error.
  package static func run(_ script: String, input: String = "") throws -> String {
    let python = environment + "/bin/python"
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw Failure(description: "no Python at \(python): run `make test` once, or set SALLYPORT_VENV")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", script]
    let stdin = Pipe()
    let stdout = Pipe()
    let stderr = Pipe()
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = stderr
    try process.run()
    let writer = Thread {
      try? stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try? stdin.fileHandleForWriting.close()
    }
    writer.start()
    let output = stdout.fileHandleForReading.readDataToEndOfFile()
    let errors = stderr.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "Python failed: " + String(decoding: errors, as: UTF8.self))
    }
    return String(decoding: output, as: UTF8.self)
  }

  private static var environment: String {
    if let named = ProcessInfo.processInfo.environment["SALLYPORT_VENV"], !named.isEmpty { return named }
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return root.appendingPathComponent(".cache/venv").path
  }
}
