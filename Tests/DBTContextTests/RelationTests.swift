import Jinja
import OrderedCollections
import PlainData
import Testing

@testable import DBTContext

@Suite struct RelationTests {
  private let orders = try! Relation(RelationPath(database: "d", schema: "s", identifier: "orders"), type: .view)

  @Test func namesFollowThePolicies() {
    #expect(orders.text == #""d"."s"."orders""#)
    #expect(orders.quoting([.database: false, .identifier: false]).text == #"d."s".orders"#)
    #expect(orders.including([.database: false]).text == #""s"."orders""#)
    #expect(orders.withoutIdentifier().text == #""d"."s""#)
    #expect(orders.informationSchema(view: "columns").text == #""d".INFORMATION_SCHEMA.columns"#)
    #expect(orders.informationSchema().text == #""d".INFORMATION_SCHEMA"#)
  }

  @Test func limitsAndTimeFiltersBecomeSubqueries() throws {
    #expect(
      orders.limited(to: 0).text == #"(select * from "d"."s"."orders" where false limit 0) _dbt_limit_subq_orders"#)
    #expect(orders.limited(to: 5).text == #"(select * from "d"."s"."orders" limit 5) _dbt_limit_subq_orders"#)
    #expect(orders.limited(to: 0).render() == #""d"."s"."orders""#)
    let start = PythonDateTime(PythonDate(year: 2024, month: 1, day: 1)!, PythonTime(hour: 0, minute: 0, zone: .utc)!)
    let end = try #require(start.adding(PythonTimeDelta(microseconds: 86_400_000_000)))
    let filtered = orders.filtered(by: EventTimeFilter(fieldName: "at", start: start, end: end))
    #expect(
      filtered.text == #"(select * from "d"."s"."orders" where at >= '2024-01-01 00:00:00+00:00' and at < "#
        + #"'2024-01-02 00:00:00+00:00') _dbt_et_filter_subq_orders"#)
  }

  @Test func ephemeralModelsHaveUnquotedNames() throws {
    #expect(try Relation.ephemeral("base").text == "__dbt__cte__base")
  }

  @Test func typedRelationsHaveABoundedName() throws {
    let long = String(repeating: "x", count: 64)
    #expect(throws: DBTError.self) { try Relation(RelationPath(identifier: long), type: .table) }
    #expect(throws: DBTError.self) { try orders.replacing(path: [.identifier: long]) }
    #expect(try Relation(RelationPath(identifier: long)).identifier == long)
  }

  @Test func matchingIsExactUnlessDBTMadeItUnquoted() throws {
    #expect(try orders.matches(schema: "s", identifier: "orders"))
    #expect(try !orders.matches(identifier: "others"))
    let error = #expect(throws: DBTError.self) { try orders.matches(identifier: "ORDERS") }
    #expect(error?.message.hasPrefix("When searching for a relation, dbt found an approximate match.") == true)
    #expect(try orders.created().quoting([.identifier: false]).matches(identifier: "ORDERS"))
    #expect(throws: DBTError.self) { try orders.matches() }
  }

  @Test func templatesSeeTheMembersOfDBTsClass() throws {
    let bench = Bench()
    let value = orders.value
    #expect(try bench.member("is_view", of: value) == .bool(true))
    #expect(try bench.member("type", of: value) == .string("view"))
    #expect(try bench.member("can_be_renamed", of: value) == .bool(true))
    #expect(try bench.method("get", of: value, .string("metadata")).repr == "{'type': 'PostgresRelation'}")
    #expect(value.repr == #"<PostgresRelation "d"."s"."orders">"#)
    #expect(value.kinds == .mapping)
    #expect(
      try bench.member("include_policy", of: value)?.repr == "Policy(database=True, schema=True, identifier=True)")
    let other = try bench.method(
      "incorporate", of: value,
      keywords: [
        ("path", .dict(DictObject(named: ["identifier": .string("x"), "schema": .none]))), ("type", .string("table")),
      ])
    #expect(other.text == #""d"."x""#)
    #expect(other.relationValue?.type == .table)
    #expect(try bench.method("include", of: value, keywords: [("database", .bool(false))]).text == #""s"."orders""#)
    #expect(throws: DBTError.self) { try value.objectValue?.iterate(bench.scope.evaluation()) }
    #expect(
      try bench.method("to_dict", of: value, keywords: [("omit_none", .bool(true))]).repr
        == #"{'path': {'database': 'd', 'schema': 's', 'identifier': 'orders'}, 'type': 'view', 'quote_character': '"', "#
        + "'include_policy': {'database': True, 'schema': True, 'identifier': True}, 'quote_policy': {'database': True, "
        + "'schema': True, 'identifier': True}, 'dbt_created': False, 'require_alias': True, 'renameable_relations': "
        + "['view', 'table'], 'replaceable_relations': ['view', 'table']}")
  }

  @Test func createMergesTheProjectsQuoting() throws {
    let bench = Bench()
    let api = Value.object(RelationClassObject(quoting: [.schema: false]))
    let made = try bench.method(
      "create", of: api, keywords: [("database", .string("d")), ("schema", .string("s")), ("identifier", .string("i"))])
    #expect(made.text == #""d".s."i""#)
    let quoted = try bench.method(
      "create", of: api, .string("d"), .string("s"), .string("i"), .string("table"),
      keywords: [("quote_policy", .dict(DictObject(named: ["identifier": .bool(false)])))])
    #expect(quoted.text == #""d".s.i"#)
    #expect(throws: DBTError.self) {
      try bench.method("create", of: api, keywords: [("identifier", .undefined(name: "x"))])
    }
    #expect(try bench.member("View", of: api) == .string("view"))
  }

  @Test(arguments: [
    (Column(name: "a", dtype: "text"), "text"), (Column(name: "a", dtype: "character varying"), "character varying"),
    (Column(name: "a", dtype: "character varying", charSize: 12), "character varying(12)"),
    (Column(name: "a", dtype: "varchar"), "character varying(256)"),
    (Column(name: "a", dtype: "numeric", numericPrecision: 10, numericScale: 2), "numeric(10,2)"),
    (Column(name: "a", dtype: "numeric"), "numeric"), (Column(name: "a", dtype: "bigint"), "bigint"),
    (Column(name: "a", label: "string"), "TEXT"),
  ])
  func columnsHaveTheTypeThatDDLNeeds(column: Column, type: String) {
    #expect(column.dataType == type)
  }

  @Test func columnsReadDescriptionsAndCompareSizes() throws {
    let wide = try Column(name: "a", description: "character varying(50)")
    let narrow = try Column(name: "a", description: "varchar(10)")
    #expect(narrow.canExpand(to: wide) && !wide.canExpand(to: narrow))
    #expect(try Column(name: "n", description: "numeric(10, 2)").numericScale == 2)
    #expect(throws: DBTError.self) { try Column(name: "n", description: "numeric(x)") }
    #expect(throws: DBTError.self) { try Column(name: "n", dtype: "date").stringSize() }
  }

  @Test func columnsAreMadeFromTheRowsOfACatalogQuery() throws {
    let bench = Bench()
    let row: [Value] = [
      .string("price"), .string("numeric"), .none, .decimal(PythonDecimal(10)), .int(2),
    ]
    let column = try ColumnClassObject().call(Arguments(row), bench.scope.evaluation())
    #expect(try bench.member("data_type", of: column) == .string("numeric(10,2)"))
    #expect(
      column.repr
        == "PostgresColumn(column='price', dtype='numeric', char_size=None, numeric_precision=10, numeric_scale=2)")
    #expect(try bench.method("is_numeric", of: column) == .bool(true))
  }
}
