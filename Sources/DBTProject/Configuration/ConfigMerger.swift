import OrderedCollections
import PlainData

/// Merges configuration as dbt does: class defaults, project file, property file, `config()` calls.
struct ConfigMerger: Sendable {
  let type: ResourceType
  private let schema: ConfigSchema

  init(_ type: ResourceType) {
    self.type = type
    schema = ConfigSchema.of(type)
  }

  /// dbt's defaults for the type.
  var defaults: PlainObject { schema.defaults }

  /// Lays `partial` over `config`, key by key as each key's behaviour says.
  ///
  /// - Throws: a parsing error when a value cannot be merged, such as a text for `meta`.
  func update(_ config: inout PlainObject, with partial: PlainObject) throws(ProjectError) {
    for (rawKey, value) in try ConfigMerger.translated(partial) {
      guard let earlier = config[rawKey], schema.fields[rawKey] != nil else {
        config[rawKey] = value
        continue
      }
      config[rawKey] = try ConfigMerger.merged(rawKey, earlier, value, schema.behavior(rawKey))
    }
    try normalize(&config)
  }

  /// Other spellings of keys made the usual ones: `pre_hook`, `post_hook`, `dbname`, `pass`.
  static func translated(_ partial: PlainObject) throws(ProjectError) -> PlainObject {
    var result = PlainObject()
    for (key, value) in partial {
      let name = aliases[key] ?? key
      if name != key, partial[name] != nil, !name.hasSuffix("-hook") {
        throw ProjectError(.runtime, "Got duplicate keys: ({\(key)}) all map to \"\(name)\"")
      }
      result[name] = value
    }
    return result
  }

  private static let aliases = [
    "pre_hook": "pre-hook", "post_hook": "post-hook", "dbname": "database", "pass": "password",
  ]

  private static func listed(_ value: PlainValue) -> [PlainValue] {
    if case .array(let items) = value { items } else { [value] }
  }

  private static func merged(
    _ key: String, _ earlier: PlainValue, _ later: PlainValue, _ behavior: MergeBehavior
  ) throws(ProjectError) -> PlainValue {
    switch behavior {
    case .clobber: return later
    case .append: return .array(listed(earlier) + listed(later))
    case .update:
      if key == "latest_version_pointer", case .bool = later { return ["enabled": later, "alias": nil] }
      guard case .object(var members) = earlier, case .object(let changes) = later else {
        throw ProjectError(.parsing, "expected dict for '\(key)', got \(later.pythonText)")
      }
      members.merge(changes) { _, last in last }
      return .object(members)
    case .dictionaryKeyAppend:
      guard case .object(let members) = earlier, case .object(let changes) = later else {
        throw ProjectError(.parsing, "expected dict for '\(key)', got \(later.pythonText)")
      }
      var result = members.mapValues { PlainValue.array(listed($0)) }
      for (changed, value) in changes {
        let name = changed.hasPrefix("+") ? String(changed.drop { $0 == "+" }) : changed
        let kept = changed.hasPrefix("+") ? result[name]?.arrayValue ?? [] : []
        result[name] = .array(kept + listed(value))
      }
      return .object(result)
    }
  }

  /// Brings values into the shapes that dbt's own classes hold.
  private func normalize(_ config: inout PlainObject) throws(ProjectError) {
    for key in ["pre-hook", "post-hook"] where schema.fields[key] != nil {
      config[key] = .array(
        try (config[key]?.arrayValue ?? []).map { hook throws(ProjectError) in try ConfigMerger.hook(hook) })
    }
    if case .bool(let flag)? = config["static_analysis"] { config["static_analysis"] = .string(flag ? "on" : "off") }
    if type == .model { ConfigMerger.normalizeFreshness(&config) }
    if type == .source, let freshness = config["freshness"], !freshness.isNull {
      config["freshness"] = SourceFreshness.read(freshness)
    }
    for key in ["docs", "contract", "snapshot_meta_column_names"] {
      guard let field = schema.fields[key], case .object(var members) = field.standard,
        case .object(let given)? = config[key]
      else { continue }
      for (name, value) in given where members[name] != nil { members[name] = value }
      config[key] = .object(members)
    }
  }

  /// A model's freshness without `build_after` says nothing.
  private static func normalizeFreshness(_ config: inout PlainObject) {
    guard let after = config["freshness"]?["build_after"]?.objectValue else {
      config["freshness"] = .null
      return
    }
    config["freshness"] = [
      "build_after": [
        "count": after["count"] ?? .null, "period": after["period"] ?? .null,
        "updates_on": after["updates_on"] ?? "any",
      ]
    ]
  }

  /// A hook as an object of `sql`, `transaction` and `index`; texts may hold one in JSON.
  static func hook(_ value: PlainValue) throws(ProjectError) -> PlainValue {
    var members: PlainObject
    switch value {
    case .object(let given): members = given
    case .string(let text):
      let parsed = text.contains("{") ? try? PlainValue(jsonText: text.trimmed) : nil
      members = parsed?.objectValue ?? ["sql": value]
    default: throw ProjectError(.parsing, "A hook must be a string or a dictionary, got \(value.pythonText)")
    }
    guard case .string? = members["sql"] else {
      throw ProjectError(.parsing, "'sql' is a required property of a hook, got \(value.pythonText)")
    }
    return [
      "sql": members["sql"] ?? .null, "transaction": members["transaction"] ?? true, "index": members["index"] ?? .null,
    ]
  }

  /// Merges one `config()` call into those before it in the same file.
  ///
  /// - Throws: a parsing error when a value cannot be merged.
  static func merge(call: PlainObject, into calls: inout PlainObject) throws(ProjectError) {
    guard !calls.isEmpty else {
      calls = call
      return
    }
    for (key, value) in call {
      switch key {
      case "pre-hook", "pre_hook", "post-hook", "post_hook", "tags", "packages":
        calls[key] = .array((calls[key].map(listed) ?? []) + listed(value))
      case "quoting", "column_types", "meta", "docs", "contract":
        calls[key] =
          try calls[key].map { earlier throws(ProjectError) in try merged(key, earlier, value, .update) } ?? value
      case "grants":
        guard case .object(let grants) = value else {
          throw ProjectError(.parsing, "expected dict for '\(key)', got \(value.pythonText)")
        }
        calls[key] = mergedGrants(calls[key]?.objectValue, grants)
      default: calls[key] = value
      }
    }
  }

  /// As dbt keeps them between calls: a `+` stays part of the key.
  private static func mergedGrants(_ earlier: PlainObject?, _ later: PlainObject) -> PlainValue {
    guard let earlier else { return .object(later.mapValues { .array(listed($0)) }) }
    var result = earlier.mapValues { PlainValue.array(listed($0)) }
    for (key, value) in later {
      let kept = key.hasPrefix("+") ? result[key]?.arrayValue ?? [] : []
      result[key] = .array(kept + listed(value))
    }
    return .object(result)
  }

  /// Checks the finished configuration.
  ///
  /// - Throws: a parsing error in dbt's words for a value of the wrong type or outside its range.
  func finalize(_ config: inout PlainObject, uniqueID: String) throws(ProjectError) {
    try ConfigCheck(type: type, uniqueID: uniqueID).check(config)
    guard type == .test else { return }
    if let kind = config["store_failures_as"]?.stringValue {
      config["store_failures"] = .bool(kind != "ephemeral")
    } else if let stores = config["store_failures"]?.boolValue {
      config["store_failures_as"] = .string(stores ? "table" : "ephemeral")
    }
  }
}
