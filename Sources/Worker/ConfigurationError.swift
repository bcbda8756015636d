/// Everything that is wrong with the configuration, at once. No secret's value stands in it.
package struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One variable and its fault.
  package struct Problem: Sendable, Hashable, CustomStringConvertible {
    /// The variable to look at.
    package var variable: String
    /// What is wrong and what would be right.
    package var fault: String

    package var description: String { "\(variable): \(fault)" }
  }

  /// At least one, in the order of the table.
  package var problems: [Problem]

  /// All that was found.
  package init(_ problems: [Problem]) { self.problems = problems }

  package var description: String {
    let head = problems.count == 1 ? "one setting needs" : "\(problems.count) settings need"
    return "configuration error: \(head) attention\n" + problems.map { "  \($0)" }.joined(separator: "\n")
  }
}
