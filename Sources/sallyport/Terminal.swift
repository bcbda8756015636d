import Glibc
import Secrets

/// What the command line asks of and tells the terminal.
enum Terminal {
  /// Writes a line to standard error.
  static func complain(_ text: String) { write(text + "\n", to: 2) }

  /// Writes text to a descriptor, whole; a closed descriptor loses it.
  static func write(_ text: String, to descriptor: Int32 = 1) {
    var text = text
    text.withUTF8 { bytes in
      var start = 0
      while start < bytes.count {
        let count = unsafe Glibc.write(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
        if count > 0 { start += count } else if count == 0 || errno != EINTR { return }
      }
    }
  }

  /// Whether standard output is a terminal that understands escape sequences.
  static var isInteractive: Bool {
    guard isatty(1) == 1 else { return false }
    let kind = Launch.environment.values["TERM"] ?? ""
    return kind != "dumb" && !kind.isEmpty
  }

  /// Whether colour is wanted: a terminal, and NO_COLOR unset.
  static var hasColour: Bool { isInteractive && (Launch.environment.values["NO_COLOR"] ?? "").isEmpty }

  /// The terminal's width in columns; 80 when it will not say.
  static var width: Int {
    var size = winsize()
    guard unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
