import PlainData
import TestSupport
import Testing

@testable import YAMLDocument

/// The same scalars and values through PyYAML and through us.
@Suite struct PyYAMLDifferentialTests {
  static let scalars = [
    "", "~", "null", "Null", "NULL", "nUll", "yes", "Yes", "YES", "yEs", "no", "on", "Off", "OFF", "y", "n", "true",
    "True",
    "TRUE", "tRue", "false", "0", "-0", "+1", "1", "-12", "1_000", "0b101", "-0b11", "010", "0o10", "08", "0_7", "0x1F",
    "-0xff",
    "0xg", "1:30", "190:20:30", "1:60", "0:30", "1:2:3", "1.5", "-1.5", "+.5", ".5", "-.5", "1.", "1e5", "1.5e3",
    "1.5e+3",
    "1.5E-3", "1_0.5_0", ".inf", "-.inf", "+.INF", ".Inf", ".iNf", "1:30.5", "190:20:30.15", ".", "-", "+", "..", "._1",
    "1__2",
    "2024-01-31", "2024-1-31", "2024-01-31 1:02:03", "2024-1-1T10:20:30", "2024-01-31t10:20:30.5",
    "2024-01-31 10:20:30.123456789",
    "2024-01-31 10:20:30Z", "2024-01-31 10:20:30 +01", "2024-01-31 10:20:30+05:30", "2024-01-31 10:20:30 -3:30",
    "20240131",
    "12:30", "12:30:45", "1 2", "1.2.3", "v1", "a b", "{{ x }}", "0.0", "00", "0x", "1e", "100_000.5", "-2024-01-31",
    "9223372036854775807", "-9223372036854775808",
  ]

  @Test func scalarsResolveAlike() throws {
    let script = """
      import sys, json, yaml, datetime
      def plain(v):
          if isinstance(v, (datetime.date, datetime.datetime)): return str(v)
          if isinstance(v, float) and v in (float("inf"), float("-inf")): return repr(v)
          return v
      for text in json.load(sys.stdin):
          quoted = text if not text.startswith("{") else "'" + text + "'"
          print(json.dumps(plain(yaml.safe_load("- " + quoted)[0])))
      """
    let input = PlainValue.array(Self.scalars.map { .string($0) }).json()
    let answers = try PythonPeer.run(script, input: input).split(separator: "\n").map(String.init)
    try #require(answers.count == Self.scalars.count)
    for (scalar, answer) in zip(Self.scalars, answers) {
      let quoted = scalar.hasPrefix("{") ? "'\(scalar)'" : scalar
      let value = try YAMLDocument.parse(text: "- " + quoted, path: "t.yml").arrayValue?.first ?? .string("missing")
      var ours = value.json(.python)
      if case .double(let number) = value, number.isInfinite { ours = number < 0 ? "\"-inf\"" : "\"inf\"" }
      #expect(ours == answer, "\(scalar)")
    }
  }

  @Test func valuesAreWrittenAlike() throws {
    let long = String(repeating: "word and more ", count: 20)
    let values: [PlainValue] = [
      nil, true, 1, -3, 1.5, 1e20, 1e-7, "a", "", "yes", "12", "1.5", "2024-01-01", "null", "~", "a: b", "- a", "#x",
      " lead",
      "trail ", "two\nlines", "two\nlines\n", "tab\tx", "quo'te", "dou\"ble", "é", "😀", "{x}", "[x]", "x # y", "<<",
      "=",
      .string(long), [], [:], [1, [2, 3], []],
      ["k": [1, 2], "m": ["x": nil, "y": [:]], "n": [["a": 1, "b": 2], ["c": 3]]],
      ["b": 1, "a": "x y"], ["yes": "no"], ["multi": "a\nb", "long": .string(long)],
    ]
    let script = """
      import sys, json, yaml
      for value in json.load(sys.stdin):
          print(json.dumps([yaml.safe_dump(value, sort_keys=False), yaml.safe_dump(value, sort_keys=True)]))
      """
    let answers = try PythonPeer.run(script, input: PlainValue.array(values).json()).split(separator: "\n")
    try #require(answers.count == values.count)
    for (value, answer) in zip(values, answers) {
      let ours: PlainValue = [.string(try value.yaml()), .string(try value.yaml(sortedKeys: true))]
      #expect(try ours == PlainValue(jsonText: String(answer)), "\(value.json())")
    }
  }
}
