import Testing

@testable import PlainData

@Suite struct JSONTests {
  @Test func documentsReadBackAsWritten() throws {
    let text = #"{"b":[1,-2.5,true,null,"é\n\"\\"],"a":{}}"#
    #expect(try PlainValue(jsonText: text).json() == text)
  }

  @Test func pythonStyleSpacesAndEscapes() throws {
    let value = try PlainValue(jsonText: #"{"k":["é","😀",1.0,"\u007f"]}"#)
    #expect(value.json(.python) == #"{"k": ["\u00e9", "\ud83d\ude00", 1.0, "\u007f"]}"#)
  }

  @Test(arguments: [
    (1.0, "1.0"), (0.1, "0.1"), (1e16, "1e+16"), (123456789012345680.0, "1.2345678901234568e+17"),
    (1e15, "1000000000000000.0"), (0.0001, "0.0001"), (0.00001, "1e-05"), (-0.0, "-0.0"), (1.5e-7, "1.5e-07"),
    (Double.leastNonzeroMagnitude, "5e-324"), (9007199254740993.0, "9007199254740992.0"), (100.0, "100.0"),
    (1e22, "1e+22"),
  ])
  func doublesPrintAsPythonDoes(number: Double, text: String) {
    #expect(number.pythonText == text)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\" 1}", "01", "1.", "1e", "tru", "\"\u{1}\"", "\"\\ud800\"", "[1] 2", "\"a", "-",
  ])
  func malformedDocumentsAreRefused(text: String) {
    #expect(throws: JSONError.self) { try PlainValue(jsonText: text) }
  }

  @Test func depthIsBounded() {
    let deep = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
    #expect(throws: JSONError.self) { try PlainValue(jsonText: deep) }
  }

  @Test func keysKeepTheirOrderAndLastValue() throws {
    let value = try PlainValue(jsonText: #"{"z":1,"a":2,"z":3}"#)
    #expect(value.json() == #"{"z":3,"a":2}"#)
    #expect(value.json(JSONStyle(sortedKeys: true)) == #"{"a":2,"z":3}"#)
  }
}
