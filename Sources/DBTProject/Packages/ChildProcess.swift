import CLinux
import Glibc

/// A program that is run to its end with nothing on its standard input; what it writes is kept, up to a bound.
@safe struct ChildProcess {
  /// Bytes kept of standard output and of standard error each; what exceeds it is read and dropped.
  private static let limit = 1 << 20

  struct Outcome {
    /// The exit code, or 128 and the number of the signal that ended it.
    let code: Int32
    let output: String
    let errors: String
  }

  /// The absolute path of a program in the folders of PATH; nil when there is none.
  static func find(_ name: String, path: String?) -> String? {
    for folder in (path ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":") where folder.hasPrefix("/") {
      let candidate = "\(folder)/\(name)"
      if FileReader.isFile(candidate), unsafe access(candidate, X_OK) == 0 { return candidate }
    }
    return nil
  }

  /// - Parameters:
  ///   - program: an absolute path.
  ///   - environment: all that the program sees.
  /// - Throws: when it cannot be started.
  static func run(
    _ program: String, _ arguments: [String], in folder: String, environment: [String: String]
  ) throws(ProjectError) -> Outcome {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    var pipes: [Int32] = [-1, -1, -1, -1]
    let made = unsafe pipes.withUnsafeMutableBufferPointer { area in
      guard let base = area.baseAddress else { return false }
      return unsafe sly_pipe(base) == 0 && sly_pipe(base + 2) == 0
    }
    guard made else {
      for descriptor in pipes where descriptor >= 0 { close(descriptor) }
      throw failure(program, errno)
    }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, pipes[3], 2)
    unsafe sly_spawn_in_folder(&actions, folder)
    var process = pid_t()
    var status: Int32 = 0
    unsafe withStrings([program] + arguments) { words in
      unsafe withStrings(environment.map { "\($0.key)=\($0.value)" }.sorted()) { variables in
        unsafe status = posix_spawn(&process, program, &actions, nil, words, variables)
      }
    }
    close(pipes[1])
    close(pipes[3])
    defer {
      close(pipes[0])
      close(pipes[2])
    }
    guard status == 0 else { throw failure(program, status) }
    let (output, errors) = collect(pipes[0], pipes[2])
    var result: Int32 = 0
    while unsafe waitpid(process, &result, 0) < 0, errno == EINTR {}
    let signal = result & 0x7f
    return Outcome(
      code: signal == 0 ? (result >> 8) & 0xff : 128 + signal, output: String(decoding: output, as: UTF8.self),
      errors: String(decoding: errors, as: UTF8.self))
  }

  /// Reads both until both have ended, so that neither blocks the program.
  private static func collect(_ first: Int32, _ second: Int32) -> ([UInt8], [UInt8]) {
    var texts: [[UInt8]] = [[], []]
    var polled = [
      pollfd(fd: first, events: Int16(POLLIN), revents: 0), pollfd(fd: second, events: Int16(POLLIN), revents: 0),
    ]
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while polled.contains(where: { $0.fd >= 0 }) {
      guard unsafe poll(&polled, 2, -1) >= 0 || errno == EINTR else { break }
      for index in polled.indices where polled[index].fd >= 0 && polled[index].revents != 0 {
        let count = unsafe read(polled[index].fd, &piece, piece.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          polled[index].fd = -1
          continue
        }
        texts[index] += piece[..<min(count, max(0, limit - texts[index].count))]
      }
    }
    return (texts[0], texts[1])
  }

  private static func withStrings(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Void
  ) {
    let pointers: [UnsafeMutablePointer<CChar>?] = unsafe texts.map { unsafe strdup($0) } + [nil]
    unsafe pointers.withUnsafeBufferPointer { area in if let base = area.baseAddress { unsafe body(base) } }
    for index in unsafe pointers.indices { unsafe free(pointers[index]) }
  }

  private static func failure(_ program: String, _ number: Int32) -> ProjectError {
    ProjectError(.runtime, "cannot run '\(program)': \(unsafe String(cString: strerror(number)))")
  }
}
