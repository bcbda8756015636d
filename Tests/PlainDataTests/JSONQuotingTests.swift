import OrderedCollections
import PlainData
import Testing

/// Texts are examined eight bytes at a time: what needs an escape must be found at every place.
@Suite struct JSONQuotingTests {
  static let special = ["\"", "\\", "\n", "\u{1}", "\u{1F}", "\u{7F}", "\u{80}", "é", "😀", "\u{2028}"]

  @Test(arguments: special, [JSONStyle.compact, .python])
  func whatNeedsAnEscapeIsFoundAtEveryPlace(_ character: String, _ style: JSONStyle) throws {
    for place in 0...17 {
      for rest in 0...9 {
        let text = String(repeating: "a", count: place) + character + String(repeating: "~", count: rest)
        let written = PlainValue.string(text).json(style)
        #expect(try PlainValue(jsonText: written) == .string(text))
        #expect(!style.asciiOnly || written.utf8.allSatisfy { (0x20...0x7E).contains($0) })
      }
    }
  }

  @Test func objectsAlikeAreWrittenAsOthersAre() {
    let first: PlainObject = ["a": 1, "b": ["x", nil]]
    let second: PlainObject = ["a": 1, "b": ["y", nil]]
    var stream = JSONObjectStream(.python)
    for (key, object) in [("k", first), ("k", first), ("k", second), ("other", second), ("k", first)] {
      stream.add(key, alike: object)
    }
    let texts = [first, first, second, second, first].map { PlainValue.object($0).json(.python) }
    let keys = ["k", "k", "k", "other", "k"]
    let expected = zip(keys, texts).map { "\"\($0)\": \($1)" }.joined(separator: ", ")
    #expect(String(decoding: stream.finish(), as: UTF8.self) == "{\(expected)}")
  }

  @Test func aSinkAndAStreamGetTheSameMembers() throws {
    func fill(_ sink: inout some ObjectSink) {
      sink.add("text", text: "t")
      sink.add("none", text: nil)
      sink.add("texts", texts: ["a", "b"])
      sink.add("empty", texts: [])
      sink.add("members") { $0.add("n", 1) }
      sink.add("objects", objects: [1, 2]) { number, sink in sink.add("i", .int(number)) }
    }
    var object = PlainObject()
    fill(&object)
    var stream = JSONObjectStream(.python)
    fill(&stream)
    #expect(String(decoding: stream.finish(), as: UTF8.self) == PlainValue.object(object).json(.python))
  }
}
