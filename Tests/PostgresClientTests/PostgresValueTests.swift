import Testing

@testable import PostgresClient

@Suite struct PostgresValueTests {
  @Test(arguments: [
    (16, "t", PostgresValue.bool(true)), (16, "f", .bool(false)), (23, "-7", .int(-7)),
    (20, "9223372036854775807", .int(.max)),
    (1700, "1.50", .numeric("1.50")), (1700, "NaN", .numeric("NaN")), (701, "0.1", .double(0.1)),
    (1082, "2024-01-02", .date("2024-01-02")), (25, "5", .text("5")), (2950, "x", .text("x")),
    (3802, "{\"a\": 1}", .json("{\"a\": 1}")), (17, "\\x00ff", .bytes([0, 255])),
  ])
  func readsCellsByTheirType(oid: UInt32, text: String, expected: PostgresValue) {
    #expect(PostgresType(oid: oid).value(text) == expected)
  }

  @Test func readsArrays() {
    let text = #"{"a b",NULL,"NULL","q\"\\",plain}"#
    #expect(
      PostgresType(oid: 1009).value(text)
        == .array([.text("a b"), .null, .text("NULL"), .text("q\"\\"), .text("plain")]))
    #expect(
      PostgresType(oid: 1007).value("{{1,2},{3,4}}")
        == .array([.array([.int(1), .int(2)]), .array([.int(3), .int(4)])]))
    #expect(PostgresType(oid: 1007).value("[0:1]={5,6}") == .array([.int(5), .int(6)]))
    #expect(PostgresType(oid: 1007).value("{}") == .array([]))
  }

  @Test(arguments: ["{1", "{1,", "{\"a", "1}", "{{{{{{{{{{1}}}}}}}}}}"])
  func keepsBrokenArraysAsText(text: String) {
    #expect(PostgresType(oid: 1007).value(text) == .text(text))
  }

  @Test func tellsTransientFailuresApart() {
    #expect(PostgresError(.statement, "deadlock", sqlState: "40P01").isTransient)
    #expect(PostgresError(.connection, "server closed the connection").isTransient)
    #expect(!PostgresError(.statement, "syntax", sqlState: "42601").isTransient)
    #expect(!PostgresError(.connection, "FATAL:  password authentication failed for user \"x\"").isTransient)
  }

  @Test func escapesBlanksOfTheSearchPath() {
    var configuration = PostgresConfiguration(host: "h", port: 5, user: "u", password: .none, database: "d")
    configuration.searchPath = "a, b"
    #expect(configuration.parameters.first { $0.name == "options" }?.value == "-c search_path=a,\\ b")
  }
}
