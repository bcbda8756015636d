import PlainData
import Testing

@testable import YAMLDocument

@Suite struct YAMLDocumentTests {
  private func json(_ text: String) throws -> String { try YAMLDocument.parse(text: text, path: "t.yml").json() }

  @Test(arguments: [
    ("", "null"), ("# only a comment\n", "null"), ("a: 1\nb: [x, 'y', {z: ~}]\n", #"{"a":1,"b":["x","y",{"z":null}]}"#),
    ("- a\n-\n- 'null'\n", #"["a",null,"null"]"#),
    ("a: |\n  one\n  two\nb: >\n  one\n  two\n", #"{"a":"one\ntwo\n","b":"one two\n"}"#),
    ("1: a\ntrue: b\n~: c\n1.5: d\n", #"{"1":"a","true":"b","null":"c","1.5":"d"}"#),
    ("a: !!str 12\nb: !!int '12'\nc: !!float 3\nd: ! 12\n", #"{"a":"12","b":12,"c":3.0,"d":"12"}"#),
    ("when: 2024-01-31\nat: 2024-01-31T10:00:00Z\n", #"{"when":"2024-01-31","at":"2024-01-31 10:00:00+00:00"}"#),
  ])
  func documentsAreRead(text: String, expected: String) throws {
    #expect(try json(text) == expected)
  }

  @Test func mergeKeysComeFirstAndOwnKeysWin() throws {
    let text = "base: &b {x: 1, y: 2}\nother: &o {y: 9, z: 3}\nuse:\n  y: 5\n  <<: [*b, *o]\n"
    #expect(try json(text).hasSuffix(#""use":{"y":5,"z":3,"x":1}}"#))
  }

  @Test func quotedMergeKeyIsAnOrdinaryKey() throws {
    #expect(try json("'<<': 1") == #"{"<<":1}"#)
  }

  @Test func duplicateKeysKeepTheLastValueAndAreReported() throws {
    let document = try YAMLDocument(Array("a: 1\nb: 2\na: 3\n".utf8), path: "t.yml")
    #expect(document.root.json() == #"{"a":3,"b":2}"#)
    #expect(document.duplicateKeys == [YAMLDocument.DuplicateKey(key: "a", line: 3, column: 1)])
  }

  @Test func syntaxErrorsShowPlaceAndExcerpt() throws {
    let error = #expect(throws: YAMLError.self) {
      try YAMLDocument.parse(text: "models:\n  - name: a: b\n", path: "m/s.yml")
    }
    #expect(error?.kind == .syntax)
    #expect(
      error?.description == """
        m/s.yml:2:12: mapping values are not allowed in this context
          1 | models:
          2 |   - name: a: b
                         ^
        """)
  }

  @Test(arguments: [
    "a: [1", "a: 'x", "\t- a", "a: *none", "a: &a [*a]", "a: !!binary aGk=", "--- 1\n--- 2\n", "{a: 1}: 2",
    "a: &x 1\nb: &x 2",
    "<<: 3", "a: 2024-02-30", "a: !custom x", "a: b: c",
  ])
  func faultyDocumentsAreRefused(text: String) {
    #expect(throws: YAMLError.self) { try YAMLDocument.parse(text: text, path: "t.yml") }
  }

  @Test func bytesThatAreNotUTF8AreRefused() {
    let error = #expect(throws: YAMLError.self) { try YAMLDocument.parse([0x61, 0x0A, 0xFF, 0xFE], path: "t.yml") }
    #expect(error?.line == 2)
  }

  @Test func aliasesAreBoundedWhereTheyExpand() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let names = (0..<10).map { _ in "*a\(level - 1)" }.joined(separator: ", ")
      text += "a\(level): &a\(level) [\(names)]\n"
    }
    let error = #expect(throws: YAMLError.self) { try YAMLDocument.parse(text: text, path: "t.yml") }
    #expect(error?.kind == .limit)
  }

  @Test func depthIsBoundedAlsoThroughAliases() {
    let deep = String(repeating: "[", count: 150) + String(repeating: "]", count: 150)
    #expect(throws: YAMLError.self) { try YAMLDocument.parse(text: deep, path: "t.yml") }
    let half = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
    let twice = "a: &a \(half)\nb: " + String(repeating: "[", count: 60) + "*a" + String(repeating: "]", count: 60)
    #expect(throws: YAMLError.self) { try YAMLDocument.parse(text: twice, path: "t.yml") }
  }

  @Test func sizeIsBounded() {
    #expect(throws: YAMLError.self) {
      try YAMLDocument.parse(text: "a: bcdef", path: "t.yml", limits: YAMLLimits(bytes: 4))
    }
  }
}
