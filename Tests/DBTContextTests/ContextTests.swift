import Jinja
import OrderedCollections
import PlainData
import Secrets
import TestSupport
import Testing

@testable import DBTContext

@Suite struct ContextTests {
  @Test func jsonIsWrittenAsPythonDoes() throws {
    let values: [PlainValue] = [
      nil, true, 1, 1.5, 1e100, "é\"\n\u{7F}😀", [], [:], [1, [2], "x"], ["b": 1, "a": [nil]], 0.1, -0.0, 1e16,
      ["10": 1, "9": 2, "é": 3],
    ]
    let script = """
      for v in json.load(sys.stdin): print(json.dumps([json.dumps(v), json.dumps(v, sort_keys=True)]))
      """
    for (value, answer) in zip(values, try pythonAnswers(script, values)) {
      let ours = [try PythonJSON.text(Value(value)), try PythonJSON.text(Value(value), sortedKeys: true)]
      #expect(ours == answer.arrayValue?.compactMap(\.stringValue))
    }
  }

  @Test func jsonRefusesWhatPythonRefuses() throws {
    let bench = Bench()
    for value in [Value.decimal(PythonDecimal(1)), .undefined(name: "x"), PythonDate.epoch.value] {
      let error = #expect(throws: JinjaError.self) { try bench.call("tojson", value) }
      #expect(error?.kind == .type)
    }
    let dict = DictObject([(key: Value.int(1), value: Value.tuple([.none])), (key: .bool(true), value: .int(2))])
    #expect(try bench.call("tojson", .dict(dict)) == .string(#"{"1": 2}"#))
    #expect(try bench.call("fromjson", .string("{bad"), .int(7)) == .int(7))
    #expect(try bench.call("fromjson", .string(#"{"a": [1]}"#)).repr == "{'a': [1]}")
    #expect(throws: JinjaError.self) { try bench.call("fromjson", .int(1)) }
  }

  @Test func yamlIsReadAndWritten() throws {
    let bench = Bench()
    #expect(try bench.call("fromyaml", .string("a: [1, yes]")).repr == "{'a': [1, True]}")
    #expect(try bench.call("fromyaml", .string("a: [1"), .string("d")) == .string("d"))
    #expect(try bench.call("toyaml", Value(["b": [1], "a": "x"])) == .string("b:\n- 1\na: x\n"))
  }

  @Test func environmentVariablesFollowDBTsRules() throws {
    var bench = Bench()
    #expect(try bench.call("env_var", .string("HOME")) == .string("/home/x"))
    #expect(try bench.call("env_var", .string("NOPE"), .string("d")) == .string("d"))
    let missing = #expect(throws: DBTError.self) { try bench.call("env_var", .string("NOPE"), .none) }
    #expect(missing?.description == "Parsing Error\n  Env var required but not provided: 'NOPE'")
    let secret = #expect(throws: DBTError.self) { try bench.call("env_var", .string("DBT_ENV_SECRET_TOKEN")) }
    #expect(secret?.message.hasPrefix("Secret env vars are allowed only in profiles.yml or packages.yml.") == true)
    bench.allowsSecrets = true
    let stand = try bench.call("env_var", .string("DBT_ENV_SECRET_TOKEN"))
    #expect(stand.text == "$$$DBT_SECRET_START$$$DBT_ENV_SECRET_TOKEN$$$DBT_SECRET_END$$$")
    let resolved = try SecretPlaceholder.resolve("pre-\(stand.text)", in: bench.invocation.environment)
    #expect(resolved?.matches(SharedSecret(copying: "pre-s3cret".utf8)) == true)
    #expect(try SecretPlaceholder.resolve("plain", in: bench.invocation.environment) == nil)
  }

  @Test func secretsNeverReachTheLog() throws {
    let bench = Bench()
    _ = try bench.call("log", .string("token s3cret here"), keywords: [("info", .bool(true))])
    _ = try bench.call("print", .string("s3crets3cret"))
    #expect(bench.collector.lines.map(\.message) == ["token ***** here", "**********"])
    #expect(bench.collector.lines.map(\.level) == [.info, .info])
    #expect(bench.collector.lines.map(\.isBare) == [false, true])
    #expect(bench.invocation.environment.values["DBT_ENV_SECRET_TOKEN"] == nil)
  }

  @Test func aSecretWithinAnotherVanishesWhole() {
    let scrubber = SecretScrubber(["abc", "xabcy", " "].map { SharedSecret(copying: $0.utf8) })
    #expect(scrubber.scrub("1 xabcy 2 abc") == "1 ***** 2 *****")
  }

  @Test func varsAreFoundRenderedOrMissing() throws {
    var bench = Bench()
    bench.vars = VarSettings(values: ["a": 1, "s": "text", "n": nil], owner: "orders")
    #expect(try bench.call("var", .string("a")) == .int(1))
    #expect(try bench.call("var", .string("s"), .string("d")) == .string("text"))
    #expect(try bench.call("var", .string("n"), .string("d")).isNone)
    #expect(try bench.call("var", .string("z"), .string("d")) == .string("d"))
    #expect(try bench.call("var.has_var", .string("a")) == .bool(true))
    let error = #expect(throws: DBTError.self) { try bench.call("var", .string("z")) }
    #expect(
      error?.message
        == "Required var 'z' not found in config:\nVars supplied to orders = {\n    \"a\": 1,\n    \"n\": null,\n"
        + "    \"s\": \"text\"\n}")
    bench.vars.isRequired = false
    #expect(try bench.call("var", .string("z")).isNone)
  }

  @Test func varsOfTheCommandLineWinOverThoseOfProjects() {
    let merged = VarSettings.merged(
      cli: ["a": "cli"], root: ["a": "root", "b": "root", "c": "root", "pkg": ["c": "root for pkg"]],
      package: ["b": "own", "d": "own", "pkg": ["e": "own for pkg"]], packageName: "pkg")
    #expect(merged["a"] == "cli" && merged["b"] == "root" && merged["c"] == "root for pkg")
    #expect(merged["d"] == "own" && merged["e"] == "own for pkg")
  }

  @Test func exceptionsCarryTheNode() throws {
    let bench = Bench()
    let error = #expect(throws: DBTError.self) { try bench.call("exceptions.raise_compiler_error", .string("stop")) }
    #expect(error?.description == "Compilation Error in model orders (models/orders.sql)\n  stop")
    #expect(try bench.call("exceptions.warn", .string("careful")) == .string(""))
    #expect(bench.collector.lines.last?.level == .warn)
    #expect(bench.collector.lines.last?.event == "JinjaLogWarning")
  }

  @Test func warningsCanBeErrorsOrSilent() throws {
    var bench = Bench()
    bench.flags = InvocationFlags(["warn_error": true])
    #expect(throws: DBTError.self) { try bench.call("exceptions.warn", .string("careful")) }
    bench.flags = InvocationFlags(["WARN_ERROR_OPTIONS": ["error": "all", "warn": ["JinjaLogWarning"]]])
    #expect(try bench.call("exceptions.warn", .string("careful")) == .string(""))
    bench.flags = InvocationFlags(["WARN_ERROR_OPTIONS": ["silence": ["JinjaLogWarning"]]])
    let count = bench.collector.lines.count
    _ = try bench.call("exceptions.warn", .string("careful"))
    #expect(bench.collector.lines.count == count)
  }

  @Test func aBrokenContractShowsATable() throws {
    let bench = Bench()
    func columns(_ pairs: [(String, String)]) -> Value {
      .list(pairs.map { .dict(DictObject(named: ["name": .string($0.0), "data_type": .string($0.1)])) })
    }
    let error = #expect(throws: DBTError.self) {
      try bench.call(
        "exceptions.raise_contract_error", columns([("a", "int"), ("c", "text")]),
        columns([("a", "text"), ("b", "int")]))
    }
    #expect(
      error?.message.hasSuffix(
        """
        | column_name | definition_type | contract_type | mismatch_reason       |
        | ----------- | --------------- | ------------- | --------------------- |
        | a           | text            | int           | data type mismatch    |
        | b           | int             |               | missing in contract   |
        | c           |                 | text          | missing in definition |

        """) == true)
  }

  @Test func dataFunctionsAnswerAsInPython() throws {
    let bench = Bench()
    #expect(try bench.call("local_md5", .string("hello world")) == .string("5eb63bbbe01eeed093cb22bb8f5acdc3"))
    let left = Value(["key_x": ["value_1", "VALUE_2"], "KEY_Y": ["value_3"]])
    let right = Value(["KEY_X": ["Value_1"], "key_z": ["value_4"]])
    #expect(try bench.call("diff_of_two_dicts", left, right).repr == "{'key_x': ['VALUE_2'], 'KEY_Y': ['value_3']}")
    #expect(try bench.call("set", .list([.int(1), .int(2), .int(1)])).repr == "{1, 2}")
    #expect(try bench.call("set", .int(3), .string("d")) == .string("d"))
    #expect(throws: DBTError.self) { try bench.call("set_strict", .int(3)) }
    let zipped = try bench.call("zip", .list([.int(1), .int(2)]), .list([.string("a"), .string("b"), .string("c")]))
    #expect(try zipped.objectValue?.iterate(bench.scope.evaluation())?.map(\.repr) == ["(1, 'a')", "(2, 'b')"])
    #expect(throws: DBTError.self) { try bench.call("zip_strict", .int(1)) }
  }

  @Test func theTargetHasNoPassword() throws {
    let target = try #require(Bench().scope.value("target")?.dictValue)
    #expect(target["dbname"] == .string("d") && target["name"] == .string("dev"))
    #expect(target["password"] == nil && target["pass"] == nil)
  }

  @Test func flagsAnswerInUpperCase() throws {
    var bench = Bench()
    bench.flags = InvocationFlags(["full_refresh": true, "which": "run"])
    let flags = try #require(bench.scope.value("flags"))
    #expect(try bench.member("FULL_REFRESH", of: flags) == .bool(true))
    #expect(try bench.member("full_refresh", of: flags) == nil)
    #expect(bench.flags.which == "run" && bench.flags.fullRefresh)
  }

  @Test func contextIsADictOfEverything() throws {
    let bench = Bench()
    let scope = bench.scope
    let evaluation = scope.evaluation()
    let context = try #require(scope.value("context")?.objectValue)
    #expect(try context.item(.string("dbt_version"), evaluation) == .string("1.12.6"))
    #expect(try context.item(.string("nope"), evaluation) == nil)
    let update = try #require(try context.attribute("update", evaluation)?.objectValue)
    _ = try update.call(Arguments([.dict(DictObject(named: ["x": .int(1)]))]), evaluation)
    #expect(scope.value("x") == .int(1))
    #expect(scope.value("builtins")?.dictValue?["var"] != nil)
  }

  @Test func validationChecksChoices() throws {
    let bench = Bench()
    let validation = try #require(bench.scope.value("validation"))
    let any = try #require(try bench.member("any", of: validation)?.objectValue)
    let evaluation = bench.scope.evaluation()
    let check = try #require(try any.item(.tuple([.string("a"), .string("b")]), evaluation)?.objectValue)
    _ = try check.call(Arguments([.string("a")]), evaluation)
    let error = #expect(throws: DBTError.self) { try check.call(Arguments([.string("c")]), evaluation) }
    #expect(error?.message == "Expected value \"c\" to be one of a,b")
  }

  @Test func datesWorkOutAsInPython() throws {
    let bench = Bench()
    let evaluation = bench.scope.evaluation()
    let delta = try #require(
      try DateTimeModule.member("timedelta")?.objectValue?.call(
        Arguments(keywords: [("days", .int(1)), ("hours", .double(1.5))]), evaluation))
    let start = try #require(bench.scope.value("run_started_at"))
    #expect(start.text == "2024-02-29 10:20:30+00:00")
    let later = try #require(try start.objectValue?.binary(.add, delta, reversed: false))
    #expect(later.text == "2024-03-01 11:50:30+00:00")
    #expect(
      try later.objectValue?.binary(.subtract, start, reversed: false)?.repr
        == "datetime.timedelta(days=1, seconds=5400)")
    let zone = try #require(
      try PytzModule.member("timezone")?.objectValue?.call(Arguments([.string("America/New_York")]), evaluation))
    #expect(try bench.method("astimezone", of: start, zone).text == "2024-02-29 05:20:30-05:00")
    #expect(try bench.method("strftime", of: start, .string("%Y%m%d")) == .string("20240229"))
    #expect(start.repr == "datetime.datetime(2024, 2, 29, 10, 20, 30, tzinfo=<UTC>)")
    let strftime = try #require(
      try DateTimeModule.member("datetime")?.objectValue?.attribute("strptime", evaluation)?.objectValue)
    #expect(throws: JinjaError.self) { try strftime.call(Arguments([.string("x"), .string("%Y")]), evaluation) }
  }
}
