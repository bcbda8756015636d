import Jinja
import OrderedCollections
import PlainData
import YAMLDocument

/// Members that turn data into other data: JSON, YAML, sets, zips, digests.
enum DataFunctions {
  /// Made anew for each scope: values are not shared between threads.
  static var members: [String: Value] {
    [
      "fromjson": .function("fromjson", ["string", "default?"], fromJSON),
      "tojson": .function("tojson", ["value", "default?", "sort_keys?"]) { values, _ in
        .string(try PythonJSON.text(values[0] ?? .none, sortedKeys: values[2]?.isTruthy ?? false))
      },
      "fromyaml": .function("fromyaml", ["value", "default?"], fromYAML),
      "toyaml": .function("toyaml", ["value", "default?", "sort_keys?"]) { values, _ in
        guard let plain = try? values[0]?.plain(), let text = try? plain.yaml(sortedKeys: values[2]?.isTruthy ?? false)
        else {
          return values[1] ?? .none
        }
        return .string(text)
      },
      "set": .function("set", ["value", "default?"]) { values, evaluation in
        guard let items = try values[0]?.elements(evaluation), let set = try? SetObject(items) else {
          return values[1] ?? .none
        }
        return .object(set)
      },
      "set_strict": .function("set_strict", ["value"]) { values, evaluation in
        guard let items = try values[0]?.elements(evaluation) else {
          throw DBTError(.compilation, "'\(values[0]?.typeName ?? "")' object is not iterable")
        }
        return .object(try SetObject(items))
      },
      "zip": .object(
        NativeFunction("zip") { arguments, evaluation in
          try zipped(arguments, evaluation) ?? arguments[keyword: "default"] ?? .none
        }),
      "zip_strict": .object(
        NativeFunction("zip_strict") { arguments, evaluation in
          guard let value = try zipped(arguments, evaluation) else {
            throw DBTError(.compilation, "zip argument is not iterable")
          }
          return value
        }),
      "local_md5": .function("local_md5", ["value"]) { values, _ in
        guard let text = values[0]?.stringValue else {
          throw JinjaError(.attribute, "'\(values[0]?.typeName ?? "NoneType")' object has no attribute 'encode'")
        }
        return .string(MD5.hex(text))
      },
      "diff_of_two_dicts": .function("diff_of_two_dicts", ["dict_a", "dict_b"], difference),
    ]
  }

  private static func fromJSON(_ values: [Value?], _ evaluation: Evaluation) throws -> Value {
    guard let text = values[0]?.stringValue else {
      throw JinjaError(
        .type, "the JSON object must be str, bytes or bytearray, not \(values[0]?.typeName ?? "NoneType")")
    }
    return PythonJSON.value(text) ?? values[1] ?? .none
  }

  private static func fromYAML(_ values: [Value?], _ evaluation: Evaluation) throws -> Value {
    guard let text = values[0]?.stringValue,
      let plain = try? YAMLDocument.parse(text: text, path: "fromyaml()", limits: YAMLLimits(bytes: 16 << 20))
    else { return values[1] ?? .none }
    return Value(plain)
  }

  private static func zipped(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value? {
    var columns: [[Value]] = []
    for value in arguments.positional {
      guard let items = try value.elements(evaluation) else { return nil }
      columns.append(items)
    }
    let count = columns.map(\.count).min() ?? 0
    return .object(IteratorObject((0..<count).map { row in .tuple(columns.map { $0[row] }) }, typeName: "zip"))
  }

  /// What the first dict of lists has beyond the second, in any case of letters.
  private static func difference(_ values: [Value?], _ evaluation: Evaluation) throws -> Value {
    guard let left = values[0]?.dictValue, let right = values[1]?.dictValue else {
      throw JinjaError(.type, "diff_of_two_dicts() needs two dicts")
    }
    var known: [String: Set<String>] = [:]
    for (key, value) in right.pairs {
      known[key.text.lowercased()] = Set((try value.elements(evaluation) ?? []).map { $0.text.lowercased() })
    }
    let result = DictObject()
    for (key, value) in left.pairs {
      guard let others = known[key.text.lowercased()] else {
        result[key] = value
        continue
      }
      let rest = (try value.elements(evaluation) ?? []).filter { !others.contains($0.text.lowercased()) }
      if !rest.isEmpty { result[key] = .list(rest) }
    }
    return .dict(result)
  }
}
