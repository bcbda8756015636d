import Jinja

/// `modules`: the parts of Python's library that dbt gives to templates, as dicts of dicts.
enum ModulesObject {
  /// Made anew for each scope: values are not shared between threads.
  ///
  /// - Parameter noting: is called whenever a template uses `itertools`.
  static func value(noting: @escaping () throws -> Void = {}) -> Value {
    .object(
      LazyDict {
        DictObject([
          (key: .string("pytz"), value: module(PytzModule.names, PytzModule.member)),
          (key: .string("datetime"), value: module(DateTimeModule.names, DateTimeModule.member)),
          (key: .string("re"), value: module(RegexModule.names, RegexModule.member)),
          (key: .string("itertools"), value: module(ItertoolsModule.names) { try noted($0, noting) }),
        ])
      })
  }

  /// A member of `itertools` that tells of each call.
  private static func noted(_ name: String, _ note: @escaping () throws -> Void) throws -> Value? {
    guard let member = ItertoolsModule.member(name) else { return nil }
    return .object(
      NativeFunction(name) { arguments, evaluation in
        try note()
        return try evaluation.call(member, arguments)
      })
  }

  private static func module(_ names: [String], _ member: @escaping (String) throws -> Value?) -> Value {
    .object(
      LazyDict {
        DictObject(
          try names.compactMap { name in try member(name).map { (key: .string(name), value: $0) } })
      })
  }
}

/// A class or exception of a module that templates can name but not make.
final class OpaqueClass: Object {
  let repr: String
  init(_ repr: String) { self.repr = repr }
  var typeName: String { "type" }
  var kinds: ValueKinds { .callable }
  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    throw JinjaError(.type, "\(repr) cannot be made in a template")
  }
}
