import OrderedCollections
package import PlainData

/// What a client asks of `dbt_run`: its single argument.
///
/// Unknown fields are ignored. Fields whose feature does not exist here yet are accepted while they ask for nothing and refused
/// otherwise, so that nobody believes in something that did not happen.
package struct DBTRunInput: Codable, Sendable, Equatable {
  /// Name of the project as its `dbt_project.yml` gives it; nil: the worker's only one.
  package var project: String?
  package var command = "build"
  package var select: String?
  package var exclude: String?
  /// `eager`, `cautious`, `buildable` or `empty`; nil: eager.
  package var indirectSelection: String?
  package var vars: PlainValue = [:]
  /// Target of the profile; nil: the worker's or the profile's default.
  package var target: String?
  package var fullRefresh = false
  package var failFast = false
  /// Laid over the worker's environment for `env_var()`.
  package var env: PlainValue = [:]
  /// The span of time whose batches microbatch models build, both ends or neither; see `EventTime`.
  package var eventTimeStart: String?
  package var eventTimeEnd: String?

  /// Commands that this worker runs.
  package static let commands = DBTRunCommand.known

  package init() {}

  /// Reads the workflow's arguments.
  ///
  /// - Throws: `DBTRunInputError` that names the field and what it should be.
  package init(arguments: [PlainValue]) throws(DBTRunInputError) {
    guard let first = arguments.first else {
      throw DBTRunInputError("dbt_run takes one argument, an object such as {\"command\": \"build\"}; none was given")
    }
    guard let fields = first.objectValue else {
      throw DBTRunInputError("the argument of dbt_run must be an object, not \(first.kindName)")
    }
    try Self.refuseUnsupported(fields)
    project = try Self.text(fields, "project")
    command = try DBTRunCommand.read(try Self.text(fields, "command") ?? "build")
    select = try Self.text(fields, "select")
    exclude = try Self.text(fields, "exclude")
    indirectSelection = try Self.text(fields, "indirect_selection")?.lowercased()
    vars = try Self.object(fields, "vars")
    target = try Self.text(fields, "target")
    fullRefresh = try Self.flag(fields, "full_refresh")
    failFast = try Self.flag(fields, "fail_fast")
    env = try Self.object(fields, "env")
    eventTimeStart = try Self.text(fields, "event_time_start")
    eventTimeEnd = try Self.text(fields, "event_time_end")
    for (name, value) in env.objectValue ?? [:] where value.stringValue == nil {
      throw DBTRunInputError("field 'env': the value of '\(name)' must be a string, not \(value.kindName)")
    }
    guard (eventTimeStart == nil) == (eventTimeEnd == nil) else {
      throw DBTRunInputError("fields 'event_time_start' and 'event_time_end' are needed both or not at all")
    }
    let modes = ["eager", "cautious", "buildable", "empty"]
    if let mode = indirectSelection, !modes.contains(mode) {
      throw DBTRunInputError(
        "field 'indirect_selection': unknown mode '\(mode)'; known: \(modes.joined(separator: ", "))")
    }
  }

  /// Fields of the contract that later work brings, refused when they hold anything.
  private static let unsupported = [
    "hooks", "defer_manifest_ref", "state_manifest_ref", "retry_from", "resume_from",
  ]

  private static func refuseUnsupported(_ fields: PlainObject) throws(DBTRunInputError) {
    for name in unsupported {
      guard let value = fields[name], !asksForNothing(value) else { continue }
      throw DBTRunInputError("field '\(name)' is not supported by this worker yet; leave it out")
    }
  }

  /// Null, blank text, and lists and objects that hold nothing but such.
  private static func asksForNothing(_ value: PlainValue) -> Bool {
    switch value {
    case .null: true
    case .bool(let flag): !flag
    case .string(let text): text.allSatisfy(\.isWhitespace)
    case .array(let items): items.isEmpty
    case .object(let members): members.values.allSatisfy(asksForNothing)
    case .int, .double: false
    }
  }

  /// A text without blanks around it; nil when absent, null or blank.
  private static func text(_ fields: PlainObject, _ name: String) throws(DBTRunInputError) -> String? {
    guard let value = fields[name], !value.isNull else { return nil }
    guard let text = value.stringValue else {
      throw DBTRunInputError("field '\(name)' must be a string, not \(value.kindName)")
    }
    var trimmed = text[...]
    while trimmed.first?.isWhitespace == true { trimmed.removeFirst() }
    while trimmed.last?.isWhitespace == true { trimmed.removeLast() }
    return trimmed.isEmpty ? nil : String(trimmed)
  }

  private static func flag(_ fields: PlainObject, _ name: String) throws(DBTRunInputError) -> Bool {
    guard let value = fields[name], !value.isNull else { return false }
    guard let flag = value.boolValue else {
      throw DBTRunInputError("field '\(name)' must be true or false, not \(value.kindName)")
    }
    return flag
  }

  private static func object(_ fields: PlainObject, _ name: String) throws(DBTRunInputError) -> PlainValue {
    guard let value = fields[name], !value.isNull else { return [:] }
    guard value.objectValue != nil else {
      throw DBTRunInputError("field '\(name)' must be an object, not \(value.kindName)")
    }
    return value
  }

  /// The input as activities get it: every field, under its contract name, null where unset.
  package var plain: PlainValue {
    var members: PlainObject = [
      "project": Self.optional(project), "command": .string(command), "select": Self.optional(select),
      "exclude": Self.optional(exclude), "indirect_selection": Self.optional(indirectSelection), "vars": vars,
      "target": Self.optional(target), "full_refresh": .bool(fullRefresh), "fail_fast": .bool(failFast), "env": env,
    ]
    if let eventTimeStart { members["event_time_start"] = .string(eventTimeStart) }
    if let eventTimeEnd { members["event_time_end"] = .string(eventTimeEnd) }
    return .object(members)
  }

  /// The memo `command`: what was asked for, without the environment.
  package var memo: PlainValue {
    var members: PlainObject = [
      "command": .string(command), "project": Self.optional(project), "select": Self.optional(select),
      "exclude": Self.optional(exclude), "target": Self.optional(target), "full_refresh": .bool(fullRefresh),
      "fail_fast": .bool(failFast),
    ]
    if vars != [:] { members["vars"] = vars }
    if let eventTimeStart { members["event_time_start"] = .string(eventTimeStart) }
    if let eventTimeEnd { members["event_time_end"] = .string(eventTimeEnd) }
    return .object(members)
  }

  private static func optional(_ text: String?) -> PlainValue { text.map { .string($0) } ?? .null }
}

/// What is wrong with a run's input, in one sentence that names the field.
package struct DBTRunInputError: Error, Sendable, Equatable, CustomStringConvertible {
  package var message: String
  package var description: String { message }

  package init(_ message: String) { self.message = message }
}
