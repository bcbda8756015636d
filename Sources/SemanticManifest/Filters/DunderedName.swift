/// A name such as `listing__created_at__month`: entities on the way, the element, maybe a granularity.
struct DunderedName {
  let entityLinks: [String]
  let element: String
  let granularity: String?

  /// - Parameter customGranularities: endings that count as granularities besides the standard ones.
  init(_ name: String, customGranularities: Set<String> = []) {
    let parts = name.parts(at: "__")
    let last = parts[parts.count - 1]
    let isGranularity = !last.isEmpty && (TimeGranularity.names.contains(last) || customGranularities.contains(last))
    guard parts.count > 1, isGranularity else {
      entityLinks = Array(parts.dropLast())
      element = last
      granularity = nil
      return
    }
    entityLinks = Array(parts.dropLast(2))
    element = parts[parts.count - 2]
    granularity = last
  }
}
