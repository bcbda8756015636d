import Foundation
import Jinja
import OrderedCollections
import PlainData
import TestSupport
import Testing

@testable import DBTContext

/// Templates rendered through a whole scope.
@Suite struct ScopeRenderTests {
  private func bench(_ macros: String = "", packages: [String: String] = [:]) throws -> Bench {
    var bench = Bench()
    try add(macros, to: &bench.registry, package: "shop")
    for (name, text) in packages.sorted(by: { $0.key < $1.key }) { try add(text, to: &bench.registry, package: name) }
    return bench
  }

  private func render(_ text: String, _ bench: Bench = Bench()) throws -> String {
    try bench.scope.render(text, path: "models/orders.sql")
  }

  @Test func macrosReplaceMembersAndBuiltinsReachThem() throws {
    let bench = try bench("{% macro var(n) %}mine {{ builtins.var(n, 'd') }}{% endmacro %}")
    #expect(try render("{{ var('x') }}", bench) == "mine d")
  }

  @Test func packagesAreNamespaces() throws {
    let bench = try bench(
      "{% macro one() %}{{ two() }}{% endmacro %}{% macro two() %}shop{% endmacro %}",
      packages: ["utils": "{% macro two() %}utils{% endmacro %}", "dbt": "{% macro three() %}core{% endmacro %}"])
    #expect(
      try render("{{ one() }} {{ utils.two() }} {{ dbt.three() }} {{ three() }}", bench) == "shop utils core core")
  }

  @Test func returnedValuesKeepTheirType() throws {
    let bench = try bench("{% macro f() %}text {{ return([1, 2]) }}{% endmacro %}")
    #expect(try render("{{ f()[1] }} {{ f() | length }}", bench) == "2 2")
  }

  @Test func contextAnswersAndIsUpdated() throws {
    #expect(
      try render(
        "{{ context.get('nope', 'd') }} {{ context['project_name'] }}{% do context.update({'x': 3}) %} {{ x }}")
        == "d shop 3")
  }

  @Test func varsWithTemplatesAreRenderedWhereUsed() throws {
    var bench = Bench()
    bench.vars = VarSettings(values: ["a": "{{ target.schema }}_x", "list": [1, 2]])
    #expect(try render("{{ var('a') }} {{ var('list')[1] }} {{ var.has_var('b') }}", bench) == "s_x 2 False")
  }

  @Test func renderAndTryOrCompilerError() throws {
    #expect(try render("{{ render('{{ 1 + 1 }}') }}") == "2")
    #expect(
      try render("{{ try_or_compiler_error('bad', modules.datetime.datetime.strptime, '2024-05-06', '%Y-%m-%d') }}")
        == "2024-05-06 00:00:00")
    let error = #expect(throws: DBTError.self) {
      try render("{{ try_or_compiler_error('bad date', modules.datetime.datetime.strptime, 'x', '%Y') }}")
    }
    #expect(error?.description == "Compilation Error in model orders (models/orders.sql)\n  bad date")
  }

  @Test func pythonModulesWorkInTemplates() throws {
    #expect(
      try render("{{ run_started_at.astimezone(modules.pytz.timezone('Europe/Berlin')).strftime('%H:%M %Z') }}")
        == "11:20 CET")
    #expect(
      try render("{{ (modules.datetime.date(2024, 3, 1) - modules.datetime.timedelta(days=1)).isoformat() }}")
        == "2024-02-29")
    #expect(try render("{{ modules.re.sub('[^a-z]+', '_', 'a b--c') }}") == "a_b_c")
    #expect(try render("{{ modules.re.match('(?P<x>a+)', 'aab').group('x') }}") == "aa")
    #expect(try render("{{ modules.itertools.chain([1], [2]) | list }}") == "[1, 2]")
    #expect(try render("{{ modules.itertools.product('ab', [1, 2]) | list | length }}") == "4")
    #expect(try render("{{ zip([1, 2], ['a', 'b']) | list }}") == "[(1, 'a'), (2, 'b')]")
    #expect(
      try render("{{ modules.datetime.datetime(2024, 1, 1) < modules.datetime.datetime(2024, 1, 2) }}") == "True")
  }

  @Test func tablesWorkInTemplates() throws {
    var bench = Bench()
    var settings = DBTScope.Settings(invocation: bench.invocation, registry: bench.registry)
    bench.node = nil
    let table = try AgateTable.csv(Array("id,name\n1,a\n2,b\n".utf8))
    settings.members = ["t": .object(table)]
    let scope = DBTScope(settings)
    #expect(
      try scope.render(
        "{% for row in t.rows %}{{ row.id }}{{ row['name'] }}{{ row[1] }} {% endfor %}{{ t.columns['name'].values() }} "
          + "{{ t.columns[0].name }} {{ t.rows | length }} {{ t.column_names }} {{ t.rows[0].values()[1] }} {{ t.rows[1:] | length }}",
        path: "x") == "1aa 2bb ('a', 'b') id 2 ('id', 'name') a 1")
  }

  @Test func relationsWorkInTemplates() throws {
    #expect(
      try render(
        "{% set r = api.Relation.create(database='d', schema='s', identifier='i', type='view') %}{{ r }} {{ r.is_view }} "
          + "{{ r.include(database=false) }} {{ r is mapping }} {{ r is string }} {{ r == r.incorporate(type='view') }} {{ [r] }}"
      )
        == #""d"."s"."i" True "s"."i" True False True [<PostgresRelation "d"."s"."i">]"#)
    #expect(try render("{{ api.Column.translate_type('string') }} {{ api.Column('a', 'int').quoted }}") == #"TEXT "a""#)
  }

  @Test(arguments: [
    ("{{ dbt.nothing() }}", "'dbt.context.macros.MacroNamespace object' has no attribute 'nothing'"),
    (
      "{{ api.Relation.create(identifier='i').nothing() }}",
      "'dbt.adapters.postgres.relation.PostgresRelation object' has no attribute 'nothing'"
    ),
    (
      "{{ api.Column('a', 'int').nothing() }}",
      "'dbt.adapters.postgres.column.PostgresColumn object' has no attribute 'nothing'"
    ),
  ])
  func whatAnObjectLacksIsToldWithItsModule(text: String, message: String) throws {
    let bench = try bench("{% macro known() %}{% endmacro %}")
    let error = #expect(throws: DBTError.self) { try render(text, bench) }
    #expect(error?.message.hasPrefix(message) == true)
  }

  @Test func errorsShowTheMacrosTheyPassed() throws {
    let bench = try bench(
      "{% macro inner() %}{{ exceptions.raise_compiler_error('stop') }}{% endmacro %}{% macro outer() %}{{ inner() }}{% endmacro %}"
    )
    let error = #expect(throws: DBTError.self) { try render("{{ outer() }}", bench) }
    #expect(
      error?.description == """
        Compilation Error in model orders (models/orders.sql)
          stop
          
          > in macro inner (macros/m.sql)
          > called by macro outer (macros/m.sql)
          > called by model orders (models/orders.sql)
        """)
    let undefined = #expect(throws: DBTError.self) { try render("{{ nope() }}") }
    #expect(
      undefined?.description.hasPrefix(
        "Compilation Error in model orders (models/orders.sql)\n  'nope' is undefined. This can") == true)
  }

  @Test func nativeRenderingKeepsTypes() throws {
    let scope = Bench().scope
    // Constants are folded into text before anything is rendered, in dbt too.
    #expect(try scope.renderNative("{{ 1 + 1 }}", path: "x.yml") == .string("2"))
    #expect(try scope.renderNative("plain", path: "x.yml") == .string("plain"))
    #expect(try scope.renderNative("{{ target.threads }}", path: "x.yml") == .int(1))
    #expect(try scope.renderNative("a{{ 1 }}", path: "x.yml") == .string("a1"))
  }

  /// Every native text goes through dbt's template engine, and of others those that look as if they might be templates.
  @Test(arguments: [
    ("a\n", "a", "a\n"), ("a\n\n", "a\n", "a\n\n"), ("a\r\nb\r", "a\nb", "a\r\nb\r"), ("50 %\n", "50 %", "50 %"),
    ("}}\n", "}}", "}}"), ("}\n", "}", "}\n"), ("\n", "", "\n"), ("", "", ""),
  ])
  func textWithoutTemplatesLosesItsLastLineEnd(text: String, native: String, plain: String) throws {
    let scope = Bench().scope
    #expect(try scope.renderNative(text, path: "x.yml") == .string(native))
    #expect(try scope.render(text, path: "x.sql") == plain)
    #expect(DBTScope.isUnchangedByRendering(text) == (native == text))
  }

  @Test func aNodesConfigurationHasNoneForWhatIsNotSet() throws {
    let scope = Bench().scope
    let config = NodeConfigObject(
      DictObject(named: ["materialized": .string("view"), "pre-hook": .list([.string("x")])]))
    scope.setMember("config", .object(config))
    #expect(
      try scope.render(
        "{{ config.materialized }} {{ config.full_refresh }} {{ config['other'] is none }} {{ config.get('a', 1) }} "
          + "{{ config.pre_hook | length }} {{ 'materialized' in config }} {{ config.to_dict() | length }}",
        path: "x.sql")
        == "view None True 1 1 True 2")
  }

  @Test func replacementByAFunctionSeesTheMatch() throws {
    let bench = try bench("{% macro f(m) %}<{{ m.group() }}>{% endmacro %}")
    #expect(try render("{{ modules.re.sub('[ab]', f, 'xaby') }}", bench) == "x<a><b>y")
  }
}

/// dbt's own macro packages, unmodified, loaded into a registry and called.
@Suite struct InternalPackageTests {
  private func registry() throws -> MacroRegistry {
    let root = try PythonPeer.run(
      "import dbt.include.global_project as g; print(list(g.__path__)[0] if hasattr(g, '__path__') else '')"
    )
    .trimmingCharacters(in: .whitespacesAndNewlines)
    let include = URL(fileURLWithPath: root).deletingLastPathComponent()
    var registry = MacroRegistry(rootPackage: "shop")
    for (package, folder) in [("dbt", "global_project"), ("dbt_postgres", "postgres")] {
      let base = include.appendingPathComponent(folder)
      let files = try #require(FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String })
      for file in files.sorted() where file.hasSuffix(".sql") {
        let text = try String(contentsOf: base.appendingPathComponent(file), encoding: .utf8)
        try add(text, to: &registry, package: package, path: file)
      }
    }
    return registry
  }

  /// A scope with just enough of an adapter.
  private func scope() throws -> DBTScope {
    let registry = try registry()
    let bench = Bench()
    var settings = DBTScope.Settings(invocation: bench.invocation, registry: registry)
    let dispatch = Value.function("dispatch", ["macro_name", "macro_namespace?"]) { values, _ in
      .object(
        MacroObject(
          try registry.dispatch(
            values[0]?.text ?? "", namespace: values[1]?.stringValue, searchPackage: "shop"
          ).definition))
    }
    settings.members = ["adapter": .dict(DictObject(named: ["dispatch": dispatch]))]
    settings.node = bench.node
    return DBTScope(settings)
  }

  @Test func everyFileLoads() throws {
    let registry = try registry()
    #expect((registry.packages["dbt"]?.count ?? 0) > 400)
    #expect((registry.packages["dbt_postgres"]?.count ?? 0) > 50)
    #expect(registry.materialization("incremental")?.uniqueID == "macro.dbt.materialization_incremental_default")
  }

  @Test(arguments: [
    ("{{ dbt.dateadd('day', 1, 'x') }}", "x + ((interval '1 day') * (1))"), ("{{ dbt.type_string() }}", "TEXT"),
    ("{{ dbt.type_timestamp() }}", "timestamp"),
    ("{{ generate_schema_name('x', {}) }}", "s_x"), ("{{ generate_schema_name(none, {}) }}", "s"),
    ("{{ generate_alias_name(none, {'name': 'n', 'version': none}) }}", "n"),
    ("{{ dbt.hash('a') }}", "md5(cast(a as \n    varchar\n))"),
  ])
  func macrosOfDBTAnswer(text: String, expected: String) throws {
    let blank = { (text: String) in text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    let rendered = blank(try scope().render(text, path: "m.sql"))
    #expect(rendered == blank(expected) || text.contains("hash") && rendered.hasPrefix("md5("), "\(rendered)")
  }
}
