import OrderedCollections
import PlainData
import Testing

/// A large object written in pieces is the object written at once.
@Suite struct JSONStreamTests {
  @Test(arguments: [JSONStyle.compact, .python]) func piecesMakeTheWhole(_ style: JSONStyle) {
    let whole: PlainValue = [
      "a": 1, "b": ["x": ["ä\n\"", true, nil], "y": [:]], "c": [:], "d": ["z": ["q": 1.5]],
    ]
    var stream = JSONObjectStream(style)
    var bytes: [UInt8] = []
    for (key, value) in whole.objectValue ?? [:] {
      guard let members = value.objectValue else {
        stream.add(key, value)
        continue
      }
      stream.open(key)
      for (name, member) in members {
        stream.add(name, member)
        bytes += stream.take()
      }
      stream.close()
    }
    bytes += stream.finish()
    #expect(String(decoding: bytes, as: UTF8.self) == whole.json(style))
  }

  @Test func textsAreEscapedAsBefore() {
    #expect(
      PlainValue.string("plain \u{7F} ü \u{1} \\ \" 😀").json(.python)
        == #""plain \u007f \u00fc \u0001 \\ \" \ud83d\ude00""#)
    #expect(PlainValue.string("ü \u{7F}").json() == "\"ü \u{7F}\"")
  }
}
