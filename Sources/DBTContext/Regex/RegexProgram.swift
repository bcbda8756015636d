internal import CPCRE2
import Jinja

/// A compiled regular expression with Python's syntax and meaning, run by PCRE2 within limits. Used by one thread.
@safe package final class RegexProgram {
  /// As the template wrote it.
  package let pattern: String
  package let flags: RegexFlags
  /// Without group 0.
  package let groupCount: Int
  /// Names of groups with their numbers, in order of number.
  package let groupNames: [(name: String, number: Int)]

  private let code: OpaquePointer
  private let scratch: OpaquePointer
  private let context: OpaquePointer

  /// Steps that one match may take before it fails with a limit error.
  static let stepLimit: UInt32 = 5_000_000
  /// Kibibytes of memory for backtracking.
  static let heapLimit: UInt32 = 64 << 10
  /// Bytes of a pattern.
  static let patternLimit = 64 << 10

  /// - Throws: a `regex` error in the words of Python's `re.error`, or a limit error.
  package init(_ pattern: String, flags: RegexFlags = []) throws {
    guard pattern.utf8.count <= RegexProgram.patternLimit else {
      throw JinjaError(.limit, "a regular expression is longer than the limit of \(RegexProgram.patternLimit) bytes")
    }
    let (translated, allFlags) = try RegexTranslator.translate(pattern, flags)
    self.pattern = pattern
    self.flags = allFlags.union(allFlags.contains(.ascii) ? [] : .unicode)
    let code = unsafe try RegexProgram.compile(translated, allFlags)
    guard let scratch = unsafe pcre2_match_data_create_from_pattern_8(code, nil),
      let context = unsafe pcre2_match_context_create_8(nil)
    else { throw JinjaError(.limit, "no memory for a regular expression") }
    unsafe pcre2_set_match_limit_8(context, RegexProgram.stepLimit)
    unsafe pcre2_set_heap_limit_8(context, RegexProgram.heapLimit)
    unsafe self.code = code
    unsafe self.scratch = scratch
    unsafe self.context = context
    var count: UInt32 = 0
    unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_CAPTURECOUNT), &count)
    groupCount = Int(count)
    unsafe groupNames = RegexProgram.names(code)
  }

  deinit {
    unsafe pcre2_match_context_free_8(context)
    unsafe pcre2_match_data_free_8(scratch)
    unsafe pcre2_code_free_8(code)
  }

  private static func compile(_ pattern: String, _ flags: RegexFlags) throws -> OpaquePointer {
    var options = UInt32(PCRE2_UTF) | UInt32(PCRE2_NEVER_BACKSLASH_C)
    if !flags.contains(.ascii) { options |= UInt32(PCRE2_UCP) }
    if flags.contains(.ignoreCase) { options |= UInt32(PCRE2_CASELESS) }
    if flags.contains(.multiline) { options |= UInt32(PCRE2_MULTILINE) }
    if flags.contains(.dotAll) { options |= UInt32(PCRE2_DOTALL) }
    if flags.contains(.verbose) { options |= UInt32(PCRE2_EXTENDED) }
    guard let settings = unsafe pcre2_compile_context_create_8(nil) else {
      throw JinjaError(.limit, "no memory for a regular expression")
    }
    defer { unsafe pcre2_compile_context_free_8(settings) }
    unsafe pcre2_set_newline_8(settings, UInt32(PCRE2_NEWLINE_LF))
    unsafe pcre2_set_parens_nest_limit_8(settings, 200)
    var number: CInt = 0
    var offset = 0
    let bytes = Array(pattern.utf8)
    // An empty array may have no address.
    let compiled = unsafe (bytes + [0]).withUnsafeBufferPointer { buffer in
      unsafe pcre2_compile_8(buffer.baseAddress, bytes.count, options, &number, &offset, settings)
    }
    guard let compiled = unsafe compiled else {
      throw JinjaError(.regex, "\(pythonMessage(number)) at position \(min(offset, pattern.unicodeScalars.count))")
    }
    return unsafe compiled
  }

  /// Python's words for PCRE2's commonest complaints.
  private static func pythonMessage(_ number: CInt) -> String {
    switch number {
    case 101: "bad escape (end of pattern)"
    case 104: "min repeat greater than max repeat"
    case 106: "unterminated character set"
    case 108: "bad character range"
    case 109: "nothing to repeat"
    case 114: "missing ), unterminated subpattern"
    case 115: "invalid group reference"
    case 122: "unbalanced parenthesis"
    case 125: "look-behind requires fixed-width pattern"
    case 143: "redefinition of group name"
    case 144: "bad character in group name"
    default: "invalid regular expression: \(message(number))"
    }
  }

  private static func message(_ number: CInt) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
      unsafe pcre2_get_error_message_8(number, buffer.baseAddress, buffer.count)
    }
    return String(decoding: buffer.prefix(max(0, Int(count))), as: UTF8.self)
  }

  private static func names(_ code: OpaquePointer) -> [(name: String, number: Int)] {
    var count: UInt32 = 0
    var size: UInt32 = 0
    var table: UnsafePointer<UInt8>?
    unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMECOUNT), &count)
    unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMEENTRYSIZE), &size)
    unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMETABLE), &table)
    guard let table = unsafe table else { return [] }
    return (0..<Int(count)).map { index in
      let entry = unsafe table + index * Int(size)
      let number = unsafe Int(entry[0]) << 8 | Int(entry[1])
      return unsafe (String(cString: entry + 2), number)
    }.sorted { $0.number < $1.number }
  }

  /// How a match may lie in the text.
  enum Anchoring {
    /// Anywhere at or after the start.
    case search
    /// At the start.
    case start
    /// At the start, to the end of the text.
    case whole
  }

  /// The first match in UTF-8 bytes at or after a place: the ranges of the whole and of each group (nil: took no part).
  ///
  /// - Parameter allowsEmptyAtStart: whether an empty match right at `start` counts.
  /// - Throws: a limit error when the match takes too many steps or too much memory.
  func match(
    _ text: [UInt8], from start: Int = 0, _ anchoring: Anchoring = .search, allowsEmptyAtStart: Bool = true
  ) throws -> [Range<Int>?]? {
    var options = UInt32(PCRE2_NO_UTF_CHECK)
    switch anchoring {
    case .search: break
    case .start: options |= UInt32(PCRE2_ANCHORED)
    case .whole: options |= UInt32(PCRE2_ANCHORED) | UInt32(PCRE2_ENDANCHORED)
    }
    if !allowsEmptyAtStart { options |= UInt32(PCRE2_NOTEMPTY_ATSTART) }
    let result = unsafe text.withUnsafeBufferPointer { buffer in
      var none: UInt8 = 0
      return unsafe withUnsafePointer(to: &none) { empty in
        unsafe pcre2_match_8(code, buffer.baseAddress ?? empty, buffer.count, start, options, scratch, context)
      }
    }
    if result == PCRE2_ERROR_NOMATCH { return nil }
    guard result > 0, let offsets = unsafe pcre2_get_ovector_pointer_8(scratch) else {
      throw RegexProgram.failure(result)
    }
    return (0...groupCount).map { group in
      let (from, to) = unsafe (offsets[group * 2], offsets[group * 2 + 1])
      // An unset group has the largest size as its offsets; \K is refused, so from never exceeds to.
      guard from >= 0, to >= from, to <= text.count else { return nil }
      return from..<to
    }
  }

  private static func failure(_ number: CInt) -> JinjaError {
    switch number {
    case PCRE2_ERROR_MATCHLIMIT, PCRE2_ERROR_DEPTHLIMIT:
      JinjaError(.limit, "a regular expression took more than the limit of \(stepLimit) steps")
    case PCRE2_ERROR_HEAPLIMIT:
      JinjaError(.limit, "a regular expression took more than the limit of \(heapLimit) KiB of memory")
    default: JinjaError(.value, "a regular expression failed: \(message(number))")
    }
  }

  /// Every match from left to right without overlaps, as Python's `finditer`.
  func matches(_ text: [UInt8], from start: Int = 0, limit: Int = .max) throws -> [[Range<Int>?]] {
    var found: [[Range<Int>?]] = []
    var at = start
    var allowsEmpty = true
    while found.count < limit, at <= text.count,
      let groups = try match(text, from: at, allowsEmptyAtStart: allowsEmpty), let whole = groups[0]
    {
      found.append(groups)
      at = whole.upperBound
      // After an empty match the next one must move on.
      allowsEmpty = !whole.isEmpty
    }
    return found
  }
}
