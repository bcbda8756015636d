/// A command line that cannot be understood, in the words of dbt's own parser.
struct DBTUsageError: Error, Equatable {
  /// The program and its command, such as `dbt run`.
  let program: String
  /// What the usage line names behind it; nil when only the message is printed.
  let pattern: String?
  let message: String
  /// What dbt prints on the standard output before; nil: nothing.
  var notice: String?
  /// Whether dbt takes it for a fault of the flags together: it is told as any other error, without a word on usage.
  var isOfFlags = false

  /// What is written to the standard error.
  var text: String {
    guard let pattern else { return "Error: \(message)" }
    return "Usage: \(program) \(pattern)\nTry '\(program) --help' for help.\n\nError: \(message)"
  }
}

/// Names that are nearly the one that was meant.
enum NearMatch {
  /// At most three names, the nearest first, whose similarity to the word is 0.6 or more.
  static func find(_ word: String, among names: [String]) -> [String] {
    let found = names.map { (name: $0, score: similarity($0, word)) }.filter { $0.score >= 0.6 }
    return found.sorted { ($0.score, $0.name) > ($1.score, $1.name) }.prefix(3).map(\.name)
  }

  /// Twice the length of what both texts have in common, block by block, over the length of both: 1 for equal texts.
  static func similarity(_ left: String, _ right: String) -> Double {
    let left = Array(left.unicodeScalars)
    let right = Array(right.unicodeScalars)
    guard !left.isEmpty || !right.isEmpty else { return 1 }
    return 2 * Double(common(left[...], right[...])) / Double(left.count + right.count)
  }

  /// The length of the longest common block and, recursively, of those on both of its sides.
  private static func common(_ left: ArraySlice<Unicode.Scalar>, _ right: ArraySlice<Unicode.Scalar>) -> Int {
    var best = (length: 0, left: left.startIndex, right: right.startIndex)
    for start in left.indices {
      for other in right.indices {
        var length = 0
        while start + length < left.endIndex, other + length < right.endIndex,
          left[start + length] == right[other + length]
        { length += 1 }
        if length > best.length { best = (length, start, other) }
      }
    }
    guard best.length > 0 else { return 0 }
    return best.length + common(left[..<best.left], right[..<best.right])
      + common(left[(best.left + best.length)...], right[(best.right + best.length)...])
  }
}
