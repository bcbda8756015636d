import Foundation
import TestSupport
import Testing

/// OpenSSL asks for a passphrase on the terminal when nobody stops it; a worker in a pod would hang there for ever.
@Suite struct PromptTests {
  @Test(
    "S20 an encrypted key without a passphrase never prompts, although a terminal is there",
    arguments: [
      ["TEMPORAL_TLS_CERT": "client.crt", "TEMPORAL_TLS_KEY": "key.pbes2"],
      ["TEMPORAL_TLS_CERT": "client.crt", "TEMPORAL_TLS_KEY": "key.traditional"],
      ["TEMPORAL_TLS_PKCS12": "client.p12"],
    ])
  func encryptedKeysNeverPrompt(files: [String: String]) throws {
    let pki = try TestPKI.shared()
    var environment = files.mapValues { pki.file($0) }
    environment["TEMPORAL_TLS_CA"] = pki.root
    let folder = try TemporaryFolder()
    try folder.write("dbt_project.yml", "name: harbor\n")
    try folder.write("profiles.yml", "harbor: {}\n")
    environment["DBT_PROJECT_DIR"] = folder.path
    environment["BINARY"] = Binary.path
    let output = try PeerProcess.run("/usr/bin/env", ["python3", "-c", Self.script], environment: environment)
    let parts = output.components(separatedBy: "\n--exit ")
    #expect(parts.count == 2)
    #expect(parts.last?.hasPrefix("timeout") == false, "it waited for an answer: \(output)")
    #expect(parts.last?.trimmingCharacters(in: .whitespacesAndNewlines) != "0")
    #expect(output.contains("encrypted") && output.contains("passphrase"), "\(output)")
    #expect(!output.lowercased().contains("enter pem"), "\(output)")
    #expect(!output.lowercased().contains("enter pass"), "\(output)")
  }

  /// Runs the binary as the leader of a session whose controlling terminal is a pseudo terminal, and tells what it
  /// wrote there.
  private static let script = #"""
    import os, pty, select, sys, time
    child, terminal = pty.fork()
    if child == 0:
        os.execve(os.environ["BINARY"], ["sallyport", "worker"], os.environ)
    end, seen = time.monotonic() + 120, b""
    status = "timeout"
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                pass
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            status = str(os.waitstatus_to_exitcode(code))
            break
    if status == "timeout":
        os.kill(child, 9)
        os.waitpid(child, 0)
    print(seen.decode(errors="replace"))
    print("--exit " + status)
    """#
}
