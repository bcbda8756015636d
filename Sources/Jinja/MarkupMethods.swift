/// The string methods of text marked as safe: what they put into it is escaped, and what comes out is marked again.
///
/// The rules are markupsafe's.
enum MarkupMethods {
  /// Methods whose text results stay marked.
  private static let marking: Set<MethodName> = [
    .capitalize, .casefold, .center, .expandtabs, .join, .ljust, .lower, .lstrip, .partition, .removeprefix,
    .removesuffix, .replace, .rjust, .rpartition, .rsplit, .rstrip, .split, .splitlines, .strip, .swapcase, .title,
    .translate, .upper, .zfill, .format, .formatMap,
  ]

  static func call(
    _ method: MethodName, of content: String, _ arguments: Arguments, _ evaluation: Evaluation
  ) throws -> Value {
    let methods = StringMethods(content, evaluation)
    switch method {
    case .format:
      return .object(Markup(try FormatText.format(content, arguments, evaluation, escapes: true)))
    case .formatMap:
      let map = try arguments.bind(method.rawValue, ["mapping"])[0] ?? .none
      return .object(Markup(try FormatText.format(content, mapping: map, evaluation, escapes: true)))
    case .join:
      let items = try evaluation.elements(of: try arguments.bind("join", ["iterable"])[0] ?? .none)
      let parts = try items.map { Value.string(try evaluation.escaped($0)) }
      return marked(try methods.call(.join, Arguments([.list(ListObject(parts))])))
    case .replace:
      var given = arguments
      if given.positional.count > 1, given.positional[1].stringValue != nil {
        given.positional[1] = .string(try evaluation.escaped(given.positional[1]))
      }
      return marked(try methods.call(.replace, given))
    default:
      let result = try methods.call(method, arguments)
      return marking.contains(method) ? marked(result) : result
    }
  }

  private static func marked(_ value: Value) -> Value {
    switch value {
    case .string(let text): .object(Markup(text))
    case .list(let list): .list(ListObject(list.items.map(marked)))
    case .tuple(let items): .tuple(items.map(marked))
    default: value
    }
  }

  /// Python's `format % values` with a marked format.
  static func printf(_ format: String, _ values: Value, _ evaluation: Evaluation) throws -> Value {
    .object(Markup(try PrintfFormat.apply(format, values, evaluation, escapes: true)))
  }
}
