import OrderedCollections
import PlainData
import Testing

@testable import Jinja

/// Renders with values of the test's own.
func render(
  _ source: String, _ values: [String: Value] = [:], options: CompileOptions = .dbt,
  undefined: UndefinedPolicy = .standard
) throws -> String {
  let template = try Template.compile(source, path: "models/a.sql", options: options)
  return try Evaluation(globals: DictionaryScope(values), undefined: undefined).renderText(template)
}

/// The error of a template that must fail.
func failure(_ source: String, _ values: [String: Value] = [:], options: CompileOptions = .dbt) -> JinjaError? {
  do {
    _ = try render(source, values, options: options)
    return nil
  } catch {
    return error as? JinjaError
  }
}

/// dbt's `return`.
var returning: Value {
  .object(NativeFunction("return") { arguments, _ in throw MacroReturn(arguments.positional[0]) })
}

@Suite struct MacroTests {
  /// Compiles a file of macros and gives a scope that has them all.
  private func scope(_ source: String) throws -> DictionaryScope {
    let scope = DictionaryScope(["return": returning])
    for definition in try Template.compile(source, path: "macros/m.sql").definitions {
      scope.values[definition.macroName] = .object(MacroObject(definition))
    }
    return scope
  }

  private func result(_ macros: String, _ expression: String) throws -> Value {
    let template = try Template.compile("{{ \(expression) }}", path: "t")
    return try Evaluation(globals: try scope(macros)).renderNative(template)
  }

  @Test func aMacroGivesItsText() throws {
    #expect(try result("{% macro a(x, y=2) %}<{{ x }}{{ y }}>{% endmacro %}", "a(1)") == .string("<12>"))
  }

  @Test func returnGivesAValueOfItsType() throws {
    let macros =
      "{% macro a() %}text{% for i in [1, 2] %}{% if i == 2 %}{{ return([i]) }}{% endif %}{% endfor %}{% endmacro %}"
    #expect(try result(macros, "a()") == .list([.int(2)]))
  }

  @Test func returnUnwindsOnlyTheInnermostMacro() throws {
    let macros = """
      {% macro inner() %}{{ return('i') }}{% endmacro %}
      {% macro outer() %}{% set x %}{{ inner() }}{% endset %}o{{ x }}{% endmacro %}
      """
    #expect(try result(macros, "outer()") == .string("oi"))
  }

  @Test func returnPassesThroughACallBlock() throws {
    let macros = """
      {% macro statement() %}[{{ caller() }}]{% endmacro %}
      {% macro outer() %}{% call statement() %}{{ return('5') }}{% endcall %}-{% endmacro %}
      """
    // dbt: the macro that ran the block ends with the value, which must be text there.
    #expect(try result(macros, "outer()") == .string("5-"))
  }

  @Test func macrosSeeEachOtherThroughTheContextOnly() throws {
    let macros =
      "{% set hidden = 1 %}{% macro a() %}{{ hidden is defined }}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}"
    #expect(try result(macros, "a()") == .string("FalseB"))
  }

  @Test func argumentErrorsNameTheMangledMacro() throws {
    do {
      _ = try result("{% macro a(x) %}{% endmacro %}", "a(1, 2)")
      Issue.record("no error")
    } catch let error as JinjaError {
      #expect(error.message == "macro 'dbt_macro__a' takes not more than 1 argument(s)")
      #expect(error.kind == .type)
    }
  }

  @Test func definitionsTellWhatStandsInTheFile() throws {
    let source = """
      {# {% macro no() %}{% endmacro %} #}
      {% macro a(x: string, y: list[dict[string, any]] = []) -%} {{ b(x) }} {{ pkg.c() }} {{ adapter.dispatch('d', 'dbt')() }} {%- endmacro %}
      text
      {% test unique_pair(model, columns) %}select 1{% endtest %}
      {% materialization table, adapter='postgres', supported_languages=['sql', 'python'] %}{{ adapter.execute(sql) }}{% endmaterialization %}
      {% materialization view, default %}v{% endmaterialization %}
      {% docs about %}Some *text*{% enddocs %}
      """
    let definitions = try Template.compile(source, path: "macros/m.sql").definitions
    #expect(
      definitions.map(\.macroName) == [
        "a", "test_unique_pair", "materialization_table_postgres",
        "materialization_view_default", "about",
      ])
    #expect(definitions[0].line == 2)
    #expect(definitions[0].source.hasPrefix("{% macro a(") && definitions[0].source.hasSuffix("{%- endmacro %}"))
    #expect(definitions[0].parameters.map(\.annotation) == ["string", "list[dict[string, any]]"])
    #expect(definitions[0].parameters.map(\.hasDefault) == [false, true])
    #expect(definitions[0].calledNames == ["b", "pkg.c"])
    #expect(definitions[0].dispatchedNames.map(\.name) == ["d"])
    #expect(definitions[0].dispatchedNames.map(\.namespace) == ["dbt"])
    #expect(definitions[2].kind == .materialization(adapter: "postgres", languages: ["sql", "python"]))
    #expect(definitions[2].calledNames.isEmpty)
    #expect(definitions[4].contents == "Some *text*")
  }

  @Test func aModelsOwnMacroIsNotVisible() throws {
    #expect(failure("{% macro m() %}x{% endmacro %}{{ m() }}")?.message == "'m' is undefined")
  }

  @Test func callsReachMacrosThroughTheHost() throws {
    let template = try Template.compile("{% macro a(x) %}{{ x * 2 }}{% endmacro %}", path: "m")
    let evaluation = Evaluation(globals: DictionaryScope())
    #expect(try evaluation.call(template.definitions[0], Arguments([.int(4)])) == .string("8"))
  }
}

@Suite struct ErrorTests {
  @Test func errorsShowPlaceExcerptAndMacroStack() throws {
    let macros =
      "\n\n{% macro inner(x) %}\n  {{ x.y.z }}\n{% endmacro %}\n{% macro outer() %}{{ inner({}) }}{% endmacro %}"
    let scope = DictionaryScope()
    for definition in try Template.compile(macros, path: "macros/m.sql").definitions {
      scope.values[definition.name] = .object(MacroObject(definition))
    }
    let template = try Template.compile("select 1\n{{ outer() }}", path: "models/a.sql")
    do {
      _ = try Evaluation(globals: scope).renderText(template)
      Issue.record("no error")
    } catch let error as JinjaError {
      #expect(error.message == "'dict object' has no attribute 'y'")
      #expect(error.path == "macros/m.sql")
      #expect(error.line == 4)
      #expect(error.column == 10)
      #expect(error.excerpt == "  4 |   {{ x.y.z }}\n    |          ^")
      #expect(error.macroStack.map(\.line) == [4, 6])
      #expect(error.macroStack.map(\.path) == ["macros/m.sql", "macros/m.sql"])
      #expect(error.macroStack.map(\.name) == ["inner", "outer"])
    }
  }

  @Test func syntaxErrorsShowTheirPlace() {
    let error = failure("select\n  {{ 1 + }}")
    #expect(error?.kind == .syntax)
    #expect(error?.line == 2)
    #expect(error?.column == 10)
  }

  @Test(arguments: [
    ("a\n{{ 1 / 0 }}", JinjaError.Kind.zeroDivision, 2, 6), ("{{ missing.x }}", .undefined, 1, 12),
    ("é{{ nosuch() }}", .undefined, 1, 5), ("\n\n{% for a, b in [1] %}{% endfor %}", .type, 3, 4),
    ("{% include 'x' %}", .type, 1, 4), ("x\n{% if %}", .syntax, 2, 7), ("{{ 1|nosuch }}", .assertion, 1, 6),
    ("{% break %}", .pythonSyntax, 1, 4), ("{{ ''.__class__() }}", .security, 1, 7),
    ("{{ {}['a']|int + 'x' }}", .undefined, 1, 12),
    ("{{ 'x' * 10 ** 12 }}", .limit, 1, 8),
    ("{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}{{ m() }}", .zeroDivision, 2, 6),
    ("{% call range(3) %}{% endcall %}", .type, 1, 9), ("{% set x %}{{ 1 / 0 }}{% endset %}", .zeroDivision, 1, 17),
    ("{% block a %}\n  {{ x.y.z }}{% endblock %}", .undefined, 2, 10),
  ])
  func everyErrorNamesItsPlace(_ source: String, _ kind: JinjaError.Kind, _ line: Int, _ column: Int) {
    let error = failure(source, ["x": .dict(DictObject())], options: .plain)
    #expect(error?.kind == kind, "\(String(describing: error))")
    #expect(error?.line == line, "\(String(describing: error))")
    #expect(error?.column == column, "\(String(describing: error))")
    #expect(error?.path == "models/a.sql")
    #expect(error?.excerpt?.hasSuffix("^") == true)
  }

  @Test func theMacroStackNamesEachMacroWithItsFileAndLine() throws {
    let first = "{% macro a(x) %}\n{{ b(x) }}\n{% endmacro %}"
    let second =
      "{% macro b(x) %}{% call c() %}\n{{ x.y.z }}{% endcall %}{% endmacro %}\n{% macro c() %}[{{ caller() }}]{% endmacro %}"
    let scope = DictionaryScope()
    for (path, source) in [("macros/a.sql", first), ("macros/b.sql", second)] {
      for definition in try Template.compile(source, path: path).definitions {
        scope.values[definition.name] = .object(MacroObject(definition))
      }
    }
    let template = try Template.compile("\n{{ a({}) }}", path: "models/m.sql")
    let error = #expect(throws: JinjaError.self) { try Evaluation(globals: scope).renderText(template) }
    #expect(error?.path == "macros/b.sql")
    #expect(error?.line == 2)
    #expect(error?.macroStack.map(\.name) == ["caller", "c", "b", "a"])
    #expect(error?.macroStack.map(\.path) == ["macros/b.sql", "macros/b.sql", "macros/b.sql", "macros/a.sql"])
    #expect(error?.macroStack.map(\.line) == [2, 3, 1, 2])
    #expect(error?.description.contains("in macro c (macros/b.sql, line 3)") == true)
  }

  @Test func hostErrorsKeepTheirCause() throws {
    struct Refused: Error, CustomStringConvertible { let description = "refused" }
    let values: [String: Value] = ["f": .object(NativeFunction("f") { _, _ in throw Refused() })]
    let error = failure("a\n{{ f() }}", values)
    #expect(error?.kind == .host)
    #expect(error?.message == "refused")
    #expect(error?.underlying is Refused)
    #expect(error?.line == 2)
  }

  @Test func firstLineShiftsNumbers() {
    var options = CompileOptions.dbt
    options.firstLine = 41
    #expect(failure("\n{{ x.y }}", options: options)?.line == 42)
  }
}

@Suite struct UndefinedTests {
  @Test func absorbingUndefinedTakesAccessAndCalls() throws {
    #expect(
      try render("[{{ a.b['c'](1).d }}]{% for x in a.b %}x{% endfor %}{{ a.b is defined }}", undefined: .absorbing)
        == "[]False")
  }

  @Test func arithmeticOnAbsorbingUndefinedRaises() {
    #expect(throws: JinjaError.self) { try render("{{ a + 1 }}", undefined: .absorbing) }
  }
}

@Suite struct NativeTests {
  @Test(arguments: [
    ("{{ 1 }}", "'1'"), ("{{ '1' }}", "'1'"), ("1{{''}}", "'1'"), ("{{ [1] }}", "'[1]'"), ("{{ x }}", "7"),
    ("{{ x }} ", "'7 '"), ("{{ x }}{{ x }}", "'77'"), ("{{ none }}", "'None'"), ("{{ '1'|as_number }}", "1"),
    ("{{ 'True'|as_bool }}", "True"), ("{{ '[1,2]'|as_native }}", "[1, 2]"), ("{{ '1'|as_text }}", "'1'"),
    ("{% if true %}{{ x }}{% endif %}", "7"), ("{% if true %}{{ 5 }}{% endif %}", "'5'"), ("{{ x + 0 }}", "7"),
    ("{{ d }}", "{'a': 1}"), ("", "''"), ("plain", "'plain'"), ("{% set y = 2 %}{{ y }}", "2"), ("{{ 1 + 2 }}", "'3'"),
    ("{{ ('1'|as_number) ~ 'x' }}", "'1x'"), ("{{ x|as_number }}", "7"), ("{{ 1|as_text }}", "'1'"),
  ])
  func givesWhatDBTGives(_ source: String, _ expected: String) throws {
    let scope = DictionaryScope(["x": .int(7), "d": .dict(DictObject(["a": 1]))])
    let value = try Evaluation(globals: scope).renderNative(try Template.compile(source, path: "t"))
    #expect(value.repr == expected)
  }

  @Test(arguments: ["{{ 'true'|as_bool }}", "{{ 'x'|as_number }}"])
  func marksRaiseWhenTheTypeIsAnother(_ source: String) throws {
    let template = try Template.compile(source, path: "t")
    #expect(throws: JinjaError.self) { try Evaluation(globals: DictionaryScope()).renderNative(template) }
  }

  @Test func marksDoNothingInText() throws { #expect(try render("{{ '1'|as_number }}") == "1") }
}

@Suite struct ValueTests {
  @Test func plainDataGoesBothWays() throws {
    let plain = try PlainValue(jsonText: #"{"a":[1,2.5,null,true,"x"],"b":{}}"#)
    #expect(try Value(plain).plain() == plain)
  }

  @Test func numbersOfAllTypesAreOneKey() {
    let dict = DictObject()
    dict[.int(1)] = .string("a")
    #expect(dict[.double(1)] == .string("a"))
    #expect(dict[.bool(true)] == .string("a"))
    #expect(dict[.decimal(PythonDecimal(1))] == .string("a"))
    dict[.int(1)] = nil
    #expect(dict.isEmpty)
  }

  @Test func stringsCompareByCodePoint() {
    #expect(Value.string("e\u{301}") != .string("\u{e9}"))
  }

  @Test func argumentsBindAsInPython() throws {
    let arguments = Arguments([.int(1)], keywords: [("b", .int(2))])
    let bound = try arguments.bind("f", ["a", "b", "c?"])
    #expect(bound == [.int(1), .int(2), nil])
    #expect(throws: JinjaError.self) { try arguments.bind("f", ["a"]) }
    #expect(throws: JinjaError.self) { try arguments.bind("f", ["b", "c?"]) }
    #expect(throws: JinjaError.self) { try arguments.bind("f", ["a", "b", "c"]) }
    #expect(throws: JinjaError.self) { try Arguments([.int(1)]).bind("f", ["*", "a?"]) }
  }

  @Test func hostObjectsTakePart() throws {
    final class Port: Object {
      let typeName = "Port"
      let text = "Oslo"
      func attribute(_ name: String, _ evaluation: Evaluation) -> Value? { name == "size" ? .int(3) : nil }
      func item(_ key: Value, _ evaluation: Evaluation) -> Value? { key == .string("key") ? .string("item") : nil }
      func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) -> Value? {
        operation == .add ? .string(reversed ? "r" : "l") : nil
      }
    }
    let values: [String: Value] = ["p": .object(Port())]
    let text = try render(
      "{{ p }} {{ p.size }} {{ p.key }} {{ p['key'] }} {{ p.no }}| {{ p + 1 }}{{ 1 + p }} {{ p is string }} {{ p ~ 1 }}",
      values)
    #expect(text == "Oslo 3 item item | lr False Oslo1")
    #expect(failure("{{ p() }}", values)?.message == "'Port' object is not callable")
    #expect(failure("{{ p - 1 }}", values)?.message == "unsupported operand type(s) for -: 'Port' and 'int'")
    #expect(failure("{{ p.no.x }}", values)?.message == "'Port object' has no attribute 'no'")
    #expect(failure("{% for x in p %}{% endfor %}", values)?.message == "'Port' object is not iterable")
  }

  @Test func bigIntegersHoldUp() throws {
    let text = "123456789012345678901234567890"
    let number = try #require(BigInteger(digits: text.utf8))
    #expect(number.text == text)
    let (quotient, remainder) = number.negated.floorDivided(by: BigInteger(1_000_000_007))
    #expect(try BigInteger.multiply(quotient, BigInteger(1_000_000_007)) + remainder == number.negated)
    #expect(BigInteger(Int.min).int == Int.min)
    #expect(BigInteger(Int.min).negated.int == nil)
    #expect(BigInteger(1e25)?.text == "10000000000000000905969664")
  }
}

@Suite struct MemoryTests {
  /// An object that tells whether it was freed.
  final class Witness: Object {
    let typeName = "Witness"
  }

  @Test(arguments: [
    "{% macro m() %}{{ w }}{% endmacro %}{{ m() }}",
    "{% for x in [1, 2] if w %}{{ loop.last }}{% endfor %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ w }}{% endcall %}",
    "{% for x in [w] recursive %}{{ loop([]) }}{% endfor %}",
    "{% set l = [w, [w]] %}{% do l.append({'a': (w,)}) %}",
  ])
  func aRenderLeavesNothingBehind(_ source: String) throws {
    weak var witness: Witness?
    do {
      let object = Witness()
      witness = object
      _ = try render(source, ["w": .object(object)], options: .plain)
    }
    #expect(witness == nil)
  }
}

/// Definitions are compiled by their first call, from their own text.
@Suite struct LazyDefinitionTests {
  private func call(_ source: String, _ name: String) throws -> Value {
    let definitions = try Template.definitions(of: source, path: "macros/m.sql")
    let macro = try #require(definitions.first { $0.name == name })
    return try Evaluation(globals: DictionaryScope()).call(macro, Arguments([]))
  }

  @Test func aBlockReadsTheSameOnItsOwn() throws {
    let source =
      "{% set x = 1 %} {%- macro a() -%}\n a{{ 1 + 1 }} {%- endmacro -%}\n\n{% macro b() %}\n b\n{% endmacro %}\n"
    #expect(try call(source, "a").text == "a2")
    #expect(try call(source, "b").text == "\n b\n")
  }

  @Test func errorsOfTheFirstCallNameTheirPlaceInTheFile() throws {
    let source = "{% macro a() %}{% endmacro %}\n\n  {% macro b() %}{{ 1 | nosuch }}\n{{ 2 | nosuch }}{% endmacro %}"
    #expect(try call(source, "a").text.isEmpty)
    do {
      _ = try call(source, "b")
      Issue.record("no error")
    } catch let error as JinjaError {
      #expect(error.message == "No filter named 'nosuch'.")
      #expect(error.path == "macros/m.sql")
      #expect(error.line == 3)
      #expect(error.column == 25)
      #expect(error.excerpt?.contains("{% macro b() %}{{ 1 | nosuch }}") == true)
    }
    let undefined = "{% macro c() %}{% endmacro %}\n {% macro d() %}\n\n  {{ nobody() }}{% endmacro %}"
    do {
      _ = try call(undefined, "d")
      Issue.record("no error")
    } catch let error as JinjaError {
      #expect(error.line == 4)
      #expect(error.column == 6)
    }
  }

  @Test func wrongSyntaxIsFoundBeforeAnyCall() {
    #expect(throws: JinjaError.self) {
      try Template.definitions(of: "{% macro a() %}{% if %}{% endmacro %}", path: "m")
    }
  }
}
