/// The names that dbt's reference driver has for PostgreSQL's types, as contract errors show them.
enum DriverType {
  /// The name of a type's number; a number without a name is told as such.
  static func name(_ oid: UInt32) -> String { names[oid] ?? "unknown type_code \(oid)" }

  private static let names: [UInt32: String] = [
    16: "BOOLEAN", 17: "BINARY", 18: "STRING", 19: "STRING", 20: "LONGINTEGER", 21: "INTEGER", 23: "INTEGER",
    25: "STRING", 26: "ROWID", 114: "JSON", 199: "JSONARRAY", 651: "CIDRARRAY", 700: "FLOAT", 701: "FLOAT",
    704: "INTERVAL", 705: "UNKNOWN", 1000: "BOOLEANARRAY", 1001: "BINARYARRAY", 1002: "STRINGARRAY",
    1003: "STRINGARRAY", 1005: "INTEGERARRAY", 1006: "INTEGERARRAY", 1007: "INTEGERARRAY", 1009: "STRINGARRAY",
    1013: "ROWIDARRAY", 1014: "STRINGARRAY", 1015: "STRINGARRAY", 1016: "LONGINTEGERARRAY", 1021: "FLOATARRAY",
    1022: "FLOATARRAY", 1028: "ROWIDARRAY", 1040: "MACADDRARRAY", 1041: "INETARRAY", 1042: "STRING", 1043: "STRING",
    1082: "DATE", 1083: "TIME", 1114: "DATETIME", 1115: "DATETIMEARRAY", 1182: "DATEARRAY", 1183: "TIMEARRAY",
    1184: "DATETIMETZ", 1185: "DATETIMETZARRAY", 1186: "INTERVAL", 1187: "INTERVALARRAY", 1231: "DECIMALARRAY",
    1266: "TIME", 1270: "TIMEARRAY", 1700: "DECIMAL", 3802: "JSONB", 3807: "JSONBARRAY", 3908: "tsrange",
    3909: "tsrangeARRAY", 3910: "tstzrange", 3911: "tstzrangeARRAY", 3912: "daterange", 3913: "daterangeARRAY",
  ]
}
