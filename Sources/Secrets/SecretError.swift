/// Why a secret or mounted file could not be read: always names the file and what to do, never what stands in it.
package struct SecretError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was wrong, for callers that decide by it.
  package enum Code: Sendable, Hashable {
    /// No file of that name.
    case missing
    /// The file exists but this process may not read it, or reading failed with the given `errno`.
    case unreadable(errno: Int32)
    /// A folder, device, socket or pipe stands where a file should.
    case notAFile
    /// Something else stands where a folder should.
    case notAFolder
    /// More files in a folder than the limit.
    case tooMany(limit: Int)
    /// Longer than the limit in bytes.
    case tooLarge(limit: Int)
    /// Nothing in it.
    case empty
    /// Everybody on the machine may replace its content.
    case worldWritable
    /// It was being rewritten during every attempt to read it.
    case changing
  }

  /// What was wrong.
  package let code: Code
  /// The path as the user gave it.
  package let path: String

  package init(_ code: Code, path: String) {
    self.code = code
    self.path = path
  }

  package var description: String {
    switch code {
    case .missing:
      "no file at '\(path)': check the path and that its volume is mounted"
    case .unreadable(let errno):
      "cannot read '\(path)': \(SystemError.text(errno)); give the user that runs sallyport the right to read it"
    case .notAFile:
      "'\(path)' is not a regular file: name the file itself, not a folder, pipe or device"
    case .notAFolder:
      "'\(path)' is not a folder: name the folder itself"
    case .tooMany(let limit):
      "'\(path)' holds more than \(limit) files: name the folder that holds nothing else"
    case .tooLarge(let limit):
      "'\(path)' is longer than \(limit) bytes, too long for what it should hold: check that this is the right file"
    case .empty:
      "'\(path)' is empty: check that the secret was filled in before it was mounted"
    case .worldWritable:
      "'\(path)' can be rewritten by every user: take that right away (chmod o-w)"
    case .changing:
      "'\(path)' changed during each of several attempts to read it: replace it by rename instead of writing into it"
    }
  }
}
