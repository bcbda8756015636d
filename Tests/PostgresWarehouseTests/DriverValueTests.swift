import DBTContext
import DBTEngine
import Jinja
import PostgresClient
import Testing

@testable import PostgresWarehouse

@Suite struct DriverValueTests {
  private func quoted(_ text: String) throws(WarehouseError) -> String { "'\(text)'" }

  @Test(arguments: [
    ("2024-01-02 03:04:05", "2024-01-02 03:04:05"), ("2024-01-02 03:04:05.5", "2024-01-02 03:04:05.500000"),
    ("2024-01-02 03:04:05+00", "2024-01-02 03:04:05+00:00"),
    ("2024-01-02 03:04:05.000001-05:30", "2024-01-02 03:04:05.000001-05:30"),
  ])
  func readsTimestamps(text: String, printed: String) {
    #expect(DriverValue.read(.timestamp(text)).text == printed)
  }

  @Test(arguments: ["infinity", "0044-03-15 12:00:00 BC", "2024-01-02", "2024-01-02 25:00:00"])
  func keepsTimesThatDoNotFitAsText(text: String) {
    #expect(DriverValue.read(.timestampWithZone(text)).stringValue == text)
  }

  @Test func readsNumbersExactly() {
    #expect(DriverValue.read(.numeric("1.50")).text == "1.50")
    #expect(DriverValue.read(.int(7)).intValue == 7)
    #expect(DriverValue.read(.json("{\"a\": [1]}")).text == "{'a': [1]}")
  }

  @Test func writesLiterals() throws {
    #expect(try DriverValue.literal(.none, quoted: quoted) == "NULL")
    #expect(try DriverValue.literal(.bool(true), quoted: quoted) == "true")
    #expect(try DriverValue.literal(.int(-3), quoted: quoted) == " -3")
    #expect(try DriverValue.literal(.string("x"), quoted: quoted) == "'x'")
    #expect(try DriverValue.literal(DriverValue.read(.date("2024-02-29")), quoted: quoted) == "'2024-02-29'::date")
    #expect(
      try DriverValue.literal(DriverValue.read(.timestamp("2024-02-29 01:02:03")), quoted: quoted)
        == "'2024-02-29T01:02:03'::timestamp")
    #expect(try DriverValue.literal(DriverValue.read(.numeric("NaN")), quoted: quoted).contains("NaN"))
  }

  @Test func namesTypesAsTheDriver() {
    #expect(DriverType.name(23) == "INTEGER")
    #expect(DriverType.name(1043) == "STRING")
    #expect(DriverType.name(99999) == "unknown type_code 99999")
  }
}
