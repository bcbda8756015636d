import Jinja

/// `modules`: the parts of Python's library that dbt gives to templates, as dicts of dicts.
enum ModulesObject {
  /// Made anew for each scope: values are not shared between threads.
  static var value: Value {
    .object(
      LazyDict {
        DictObject([
          (key: .string("pytz"), value: module(PytzModule.names, PytzModule.member)),
          (key: .string("datetime"), value: module(DateTimeModule.names, DateTimeModule.member)),
          (key: .string("re"), value: module(RegexModule.names, RegexModule.member)),
          (key: .string("itertools"), value: module(ItertoolsModule.names, ItertoolsModule.member)),
        ])
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
