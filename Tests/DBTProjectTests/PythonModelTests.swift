import Jinja
import PlainData
import Testing

@testable import DBTProject

/// What is read from models in Python, and what is refused in dbt's words.
@Suite struct PythonModelTests {
  private func calls(_ text: String) throws -> [String] {
    try PythonModel(text).calls.map { call in
      let keywords = call.keywords.map { "\($0.name)=\($0.value.repr)" }
      return "\(call.function)(\((call.positional.map(\.repr) + keywords).joined(separator: ", ")))"
    }
  }

  private func fault(_ text: String) -> String {
    do {
      _ = try PythonModel(text)
      return "none"
    } catch {
      return error.message
    }
  }

  @Test func readsCallsAndNothingElse() throws {
    let text = """
      # dbt.ref("comment")
      import pandas as pd
      def model(dbt, session):
          dbt.config(materialized="table", tags=['a', "b"], meta={"n": -1.5, "on": True},
                     packages=("x",), note='''three
          lines''')
          text = "dbt.ref('in a text')" + f'{x}'
          my_dbt.ref("other"); other.dbt.ref("no")
          upstream = dbt.ref("a", v=2).filter(lambda r: r.x == dbt.source("raw", 'b' 'c'))
          if dbt.config.get("key", None) == 1 and dbt.config.meta_get('m'):
              dbt.this.config("x")
          return upstream
      """
    #expect(
      try calls(text) == [
        "config(materialized='table', tags=['a', 'b'], meta={'n': -1.5, 'on': True}, packages=('x',), "
          + "note='three\\n    lines')",
        "ref('a', v=2)", "source('raw', 'bc')", "get('key', None)", "meta_get('m')",
      ])
    #expect(try calls("").isEmpty)
  }

  @Test func refusesWhatIsNoModel() {
    #expect(fault("x = 1") == "dbt allows exactly one model defined per python file, found 0")
    #expect(
      fault("def model(dbt, s):\n  return 1\ndef model(dbt, s):\n  return 2")
        == "dbt allows exactly one model defined per python file, found 2")
    #expect(
      fault("def model(a):\n  return 1")
        == "'dbt' not provided for model as the first argument\n"
        + "model function should have two args, `dbt` and a session to current warehouse")
    let returns = "In current version, model function should return only one dataframe object"
    #expect(fault("def model(dbt, session):\n  x = 1") == returns)
    #expect(fault("def model(dbt, session):\n  return x, y") == returns)
    #expect(fault("def model(dbt, session):\n  if x:\n    return 1\n\ny = 2") == returns)
    #expect(fault("def model(dbt, session):\n  if x:\n    return 1\n  return f(1, 2)\n\ny = 2") == "none")
    #expect(fault("def model(dbt, session):\n  return '{{ x }}'") == "No jinja in python model code is allowed")
    #expect(fault("def model(dbt, session):\n  return dbt.ref(name)").contains("malformed node or string: name"))
    #expect(fault("def model(dbt, session): return 'x").contains("unterminated string literal"))
    #expect(fault("def model(dbt, session: return 1").contains("a bracket is never closed"))
  }
}
