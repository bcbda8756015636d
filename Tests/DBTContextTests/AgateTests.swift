import Jinja
import OrderedCollections
import PlainData
import TestSupport
import Testing

@testable import DBTContext

/// Tables against agate with dbt's settings.
@Suite struct AgateTests {
  static let files: [(text: String, textColumns: [String])] = [
    ("id,name,price\n1,a,1.5\n2,b,2\n", []), ("a,b\n,\n,null\n", []), ("d\n2024-01-31\n2024-2-1\n", []),
    ("t\n2024-01-31 10:20:30\n2024-01-31\n", []), ("t\n2024-01-31T10:20:30Z\n2024-01-31T10:20:30.5+02:00\n", []),
    ("b\ntrue\nFALSE\n\n", []), ("n\n\"1,234\"\n$5\n50%\n-3\n1e5\n", []), ("n\nNaN\nInfinity\n-inf\n", []),
    ("id,id,\n1,2,3\n", []), ("zip,n\n00501,1\n12345,2\n", ["zip"]), ("a,b\n1\n", []),
    ("q\n\"a \"\"b\"\" c\"\n\"x\ny\"\n", []),
    ("\u{FEFF}a\n1\n", []), ("a\n1\nx\n", []), ("a\n 1 \n2\n", []), ("a\nyes\nno\n", []), ("a\n1\n0\n", []),
    ("a\n1_000\n", []),
    ("a,b\r\n1,2\r\n", []), ("a\n2024-01-31\nnull\n", []), ("a\n2024-02-30\n", []), ("a\n12:30\n", []),
    ("a\n007\n", []),
    ("a\n\"£1,000.50\"\n€2\n", []), ("a\n--1\n", []), ("a\n1-\n", []), ("a\n20240131T102030\n", []),
    ("a,b\n1,\"\"\n2,null\n", ["b"]),
    ("a\n123456789012345678901234567890.5\n", []), ("a\n0.10\n0.200\n", []), ("a\n1.\n.5\n", []),
    ("a\nx\"y\n", []), ("a\n\"x\"y\n", []), ("a\ntrue\n1\n", []), ("a\n+5\n", []), ("only\n", []),
  ]

  @Test func seedFilesAgreeWithAgate() throws {
    let script = """
      import io, datetime, warnings, agate
      warnings.simplefilter("ignore")
      from dbt_common.clients import agate_helper
      for text, columns in json.load(sys.stdin):
          f = io.StringIO(text, newline="")
          if f.read(1) != "\\ufeff": f.seek(0)
          t = agate.Table.from_csv(io.StringIO(f.read()), column_types=agate_helper.build_type_tester(columns), delimiter=",")
          kinds = [type(c).__name__ for c in t.column_types]
          def shown(v):
              zoned = isinstance(v, datetime.datetime) and v.tzinfo
              return repr(v.replace(tzinfo=datetime.timezone(v.utcoffset())) if zoned else v)
          rows = [[shown(v) for v in r] for r in t.rows]
          print(json.dumps([list(t.column_names), kinds, rows]))
      """
    let inputs = Self.files.map { PlainValue.array([.string($0.text), .array($0.textColumns.map { .string($0) })]) }
    let answers = try pythonAnswers(script, inputs)
    for (file, answer) in zip(Self.files, answers) {
      let table = try AgateTable.csv(Array(file.text.utf8), textColumns: Set(file.textColumns))
      let ours: PlainValue = [
        .array(table.columnNames.map { .string($0) }), .array(table.columnTypes.map { .string($0.rawValue) }),
        .array(table.rows.map { .array($0.map { .string(AgateTests.repr($0)) }) }),
      ]
      #expect(ours.json() == answer.json(), "\(file.text)")
    }
  }

  /// Numbers that are not finite are doubles here and Decimals in Python.
  private static func repr(_ value: Value) -> String {
    if case .double(let number) = value {
      return number.isNaN ? "Decimal('NaN')" : "Decimal('\(number < 0 ? "-" : "")Infinity')"
    }
    return value.repr
  }

  @Test func queryResultsAgreeWithDBT() throws {
    let script = """
      import datetime, decimal, agate, warnings
      warnings.simplefilter("ignore")
      from dbt_common.clients import agate_helper
      for rows in json.load(sys.stdin):
          rows = [[decimal.Decimal(v[1:]) if isinstance(v, str) and v.startswith("#") else v for v in r] for r in rows]
          names = ["c%d" % i for i in range(len(rows[0]))] if rows else ["c0"]
          t = agate_helper.table_from_data_flat([dict(zip(names, r)) for r in rows], names)
          print(json.dumps([[type(c).__name__ for c in t.column_types], [[repr(v) for v in r] for r in t.rows]]))
      """
    let results: [[[PlainValue]]] = [
      [[1, "x", nil], [2, "", nil]], [["#1.50", 1], ["#2", nil]], [[true, "null"], [false, "005"]],
      [[1, [1, 2]], [2, ["k": "v"]]],
      [[1], [true]], [], [["2024-01-01"], ["7"]], [[1], ["#2.5"]], [[1.5], [2]],
    ]
    let answers = try pythonAnswers(script, results.map { .array($0.map { .array($0) }) })
    for (rows, answer) in zip(results, answers) {
      let values = rows.map { row in
        row.map { value -> Value in
          if case .string(let text) = value, text.hasPrefix("#"), let number = PythonDecimal(String(text.dropFirst())) {
            return .decimal(number)
          }
          return Value(value)
        }
      }
      let names = rows.first.map { $0.indices.map { "c\($0)" } } ?? ["c0"]
      let table = try AgateTable.queryResult(columnNames: names, rows: values)
      let ours: PlainValue = [
        .array(table.columnTypes.map { .string($0.rawValue) }),
        .array(table.rows.map { .array($0.map { .string($0.repr) }) }),
      ]
      #expect(ours.json() == answer.json())
    }
  }

  @Test func printedTablesAgreeWithAgate() throws {
    let files = [
      "id,name,price\n1,a,1.5\n20,bb,2\n", "n\n1234567.891234\n-5\n", "a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n",
      "t\n" + String(repeating: "x", count: 30) + "\n",
      "a\n" + (1...25).map { "\($0)\n" }.joined(), "n\n0.5\n2.25\n", "b,d\ntrue,2024-01-31\nfalse,\n", "n\n0.12345\n",
    ]
    let script = """
      import io, agate
      from dbt_common.clients import agate_helper
      for text in json.load(sys.stdin):
          t = agate.Table.from_csv(io.StringIO(text), column_types=agate_helper.build_type_tester([]))
          out = io.StringIO(); t.print_table(output=out, locale="en_US"); print(json.dumps(out.getvalue()))
      """
    let answers = try pythonAnswers(script, files.map { .string($0) })
    for (file, answer) in zip(files, answers) {
      #expect(try AgateTable.csv(Array(file.utf8)).printed() == answer.stringValue)
    }
  }

  @Test func rowsAndColumnsAnswerByNameAndPosition() throws {
    let bench = Bench()
    let table = try AgateTable.csv(Array("id,name\n1,a\n2,b\n".utf8))
    let rows = try #require(try bench.member("rows", of: .object(table))?.objectValue as? AgateSequence)
    let row = try #require(rows.values.last)
    #expect(try bench.method("values", of: row).repr == "(Decimal('2'), 'b')")
    #expect(try row.objectValue?.item(.string("name"), bench.scope.evaluation()) == .string("b"))
    #expect(try row.objectValue?.item(.int(-1), bench.scope.evaluation()) == .string("b"))
    #expect(row.repr == "<agate.Row: (Decimal('2'), 'b')>")
    let columns = try #require(try bench.member("columns", of: .object(table))?.objectValue)
    let column = try #require(try columns.item(.string("name"), bench.scope.evaluation()))
    #expect(try bench.method("values", of: column).repr == "('a', 'b')")
  }

  @Test func decimalsDecideTheTypeOfAColumn() throws {
    let table = try AgateTable.csv(Array("a,b,c\n1,1.50,1.0\n2,2,3\n".utf8))
    #expect((0..<3).map { table.maxPrecision(of: $0) } == [0, 1, 0])
  }

  @Test func longRowsAndFieldsAreRefused() {
    #expect(throws: DBTError.self) { try AgateTable.csv(Array("a\n1,2\n".utf8)) }
    #expect(throws: DBTError.self) { try AgateTable.csv(Array("a\n12345\n".utf8), limits: CSVLimits(fieldLength: 3)) }
    #expect(throws: DBTError.self) { try AgateTable.csv([0x61, 0x0A, 0xFF, 0x0A]) }
    #expect(throws: DBTError.self) { try AgateTable.csv([]) }
    #expect(throws: DBTError.self) { try AgateTable.csv(Array("a\n".utf8), delimiter: "ab") }
  }
}
