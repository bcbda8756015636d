/// The bounds of one evaluation. Reaching one raises a `limit` error that names it.
package struct Limits: Sendable {
  /// Nodes executed and elements touched, in all.
  package var steps = 200_000_000
  /// Nested macro, caller and loop-recursion calls.
  package var callDepth = 400
  /// Bytes of text one render may put out, and that one string may have.
  package var outputBytes = 256 << 20
  /// Elements of one list, tuple, dict or set.
  package var collectionSize = 10_000_000
  /// Bytes of strings and collections made in all, freed or not.
  package var allocatedBytes = 8 << 30
  /// Wall-clock time of one evaluation; nil for none.
  package var time: Duration? = .seconds(600)
  /// Bytes of stack an evaluation may use. It uses less when the thread has less: 96 KiB are always left over.
  package var stackBytes = 6 << 20

  package init() {}

  /// The defaults above: wide enough for any real project.
  package static let standard = Limits()
  /// For expressions in YAML and other short text.
  package static let small = {
    var limits = Limits()
    limits.steps = 5_000_000
    limits.outputBytes = 16 << 20
    limits.allocatedBytes = 512 << 20
    limits.time = .seconds(30)
    return limits
  }()
}
