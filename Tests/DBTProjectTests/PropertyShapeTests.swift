import OrderedCollections
import PlainData
import TestSupport
import Testing

@testable import DBTProject

/// Entries of property files of every section, each with one member replaced, left out or added: dbt's schemas and our
/// shapes accept and refuse the same, in the same words.
@Suite struct PropertyShapeTests {
  private static let script = #"""
    import copy, json, jsonschema
    import dbt.cli.main
    from dbt.contracts.graph import unparsed

    described = {"name": "n", "description": "d", "meta": {"k": 1}, "data_type": "int", "constraints": [{"type": "check"}],
                 "docs": {"show": True, "node_color": "red"}, "config": {"tags": ["t"]}}
    tests = ["unique", {"accepted_values": {"values": [1]}}]
    column = {**described, "data_tests": tests, "tests": tests, "quote": True, "tags": ["t"], "granularity": "day",
              "dimension": {"type": "time", "name": "n", "is_partition": True, "validity_params": {"is_start": True}},
              "entity": {"type": "primary", "label": "l"}}
    node = {**described, "data_tests": tests, "tests": tests, "columns": [{"name": "c"}], "quote_columns": True, "access": "public"}
    version = {"v": 1, "defined_in": "n", "description": "d", "access": "public", "config": {}, "constraints": [{}],
               "docs": {"show": True}, "data_tests": tests, "tests": tests, "deprecation_date": "2026-01-01",
               "columns": [{"include": "*", "exclude": ["a"]}, {"include": ["a"]}, {"name": "c", "quote": True}]}
    arguments = [{"name": "a", "data_type": "int", "description": "d", "default_value": 1}]
    limit = {"count": 1, "period": "day"}
    loading = {"loaded_at_field": "f", "loaded_at_query": "q", "quoting": {"database": True, "column": False},
               "freshness": {"warn_after": limit, "error_after": limit, "filter": "f"}}
    external = {"location": "l", "partitions": ["p", {"name": "n", "meta": {}}], "other": 1}
    table = {**described, **loading, "identifier": "i", "external": external, "tags": ["t"], "columns": [{"name": "c"}], "tests": tests}
    patched = {"name": "n", "description": "d", "docs": {}, "tags": ["t"], "columns": [{"name": "c"}], "external": external, **loading}
    source = {"name": "n", "database": "d", "schema": "s", "loader": "l", "meta": {}, "tags": ["t"], "config": {},
              "description": "d", **loading, "tables": [table, {"name": "t"}]}
    rows = {"rows": [{"id": 1}], "format": "dict", "fixture": "f"}
    owner = {"name": "n", "email": ["a"], "team": 1}
    entries = {
        "models": {**node, "columns": [column], "latest_version": 1, "versions": [version], "deprecation_date": "2026-01-01",
                   "time_spine": {"standard_granularity_column": "n", "custom_granularities": [{"name": "c"}]},
                   "semantic_model": {"name": "s", "enabled": True, "config": {"meta": {}}}, "primary_entity": "e",
                   "agg_time_dimension": "t", "metrics": [{"name": "m", "agg": "sum", "expr": 1, "percentile": 0.5}],
                   "derived_semantics": {"entities": [{"type": "t", "expr": "e"}], "dimensions": [{"type": "t", "name": "n", "expr": "e"}]}},
        "seeds": node,
        "analyses": {**described, "columns": [described], "access": "public"},
        "data_tests": described,
        "macros": {**described, "arguments": [{"name": "a", "type": "int", "description": "d"}]},
        "functions": {**described, "access": "public", "returns": {"data_type": "int", "description": "d"}, "arguments": arguments,
                      "overloads": [{"defined_in": "o", "arguments": arguments, "returns": {"data_type": "int"}}]},
        "sources": source,
        "overrides": {"name": "n", "description": "d", "meta": {}, "tables": [patched], "tags": ["t"], **loading},
        "exposures": {"name": "n", "type": "dashboard", "owner": owner, "description": "d", "label": "l", "maturity": "low",
                      "meta": {}, "tags": ["t"], "url": "u", "depends_on": ["ref('a')"], "config": {}},
        "groups": {"name": "n", "owner": owner, "description": "d", "config": {}},
        "unit_tests": {"name": "n", "model": "m", "given": [{"input": "i", **rows}], "expect": rows, "description": "d",
                       "overrides": {"macros": {}, "vars": {}, "env_vars": {}}, "config": {},
                       "versions": {"include": [1, "b", 2.5]}},
    }
    classes = {
        "models": unparsed.UnparsedModelUpdate, "seeds": unparsed.UnparsedNodeUpdate,
        "analyses": unparsed.UnparsedAnalysisUpdate, "data_tests": unparsed.UnparsedSingularTestUpdate,
        "macros": unparsed.UnparsedMacroUpdate, "functions": unparsed.UnparsedFunctionUpdate,
        "sources": unparsed.UnparsedSourceDefinition, "overrides": unparsed.SourcePatch, "exposures": unparsed.UnparsedExposure,
        "groups": unparsed.UnparsedGroup, "unit_tests": unparsed.UnparsedUnitTest,
    }
    # What dbt adds before it looks at an entry.
    where = {"original_file_path": "p", "yaml_key": "k", "package_name": "p"}
    added = {section: where for section in ("models", "seeds", "analyses", "data_tests", "macros", "functions")}
    added["overrides"] = {"overrides": "p", "path": "x"}
    values = [None, True, 3, 2.5, "text", ["x"], [3], {}, {"x": 1}]

    def places(value):
        if isinstance(value, dict):
            for key in value:
                yield [key]
                yield from ([key] + rest for rest in places(value[key]))
        elif isinstance(value, list):
            for index in range(len(value)):
                yield [index]
                yield from ([index] + rest for rest in places(value[index]))

    def inside(entry, place):
        for step in place:
            entry = entry[step]
        return entry

    def mutants(entry):
        yield entry
        yield {**copy.deepcopy(entry), "zzz": 1, "yyy": 2}
        for place in places(entry):
            for value in values:
                mutant = copy.deepcopy(entry)
                inside(mutant, place[:-1])[place[-1]] = value
                yield mutant
            mutant = copy.deepcopy(entry)
            del inside(mutant, place[:-1])[place[-1]]
            yield mutant
            if isinstance(inside(entry, place), dict):
                mutant = copy.deepcopy(entry)
                inside(mutant, place)["zzz"] = 1
                yield mutant

    for section, entry in entries.items():
        validator = jsonschema.Draft7Validator(classes[section].json_schema())
        for mutant in mutants(entry):
            given = {**mutant, **added.get(section, {})}
            error = next(validator.iter_errors(given), None)
            # As dbt's exceptions word it.
            said = None if error is None else "at path [%s]: %s" % ("][".join(map(repr, error.relative_path)), error.message)
            print(json.dumps([section, given, said]))
    """#

  @Test func refusesWhatDBTRefuses() throws {
    let cases = try PythonPeer.run(Self.script).split(separator: "\n").map { try PlainValue(jsonText: String($0)) }
    var failures: [String] = []
    var refused = 0
    for item in cases {
      let parts = item.arrayValue ?? []
      let section = parts[0].stringValue == "overrides" ? "sources" : parts[0].stringValue ?? ""
      let members = parts[1].objectValue ?? [:]
      let shape = try #require(Shape.ofEntry(section, members))
      let ours = shape.fault(.object(members))?.description
      let theirs = parts[2].stringValue
      refused += theirs == nil ? 0 : 1
      if ours != theirs { failures.append("\(section): \(ours ?? "accepted") instead of \(theirs ?? "accepted")") }
    }
    #expect(failures.isEmpty, "\(failures.count) of \(cases.count):\n\(failures.prefix(30).joined(separator: "\n"))")
    #expect(cases.count > 4000 && refused > cases.count / 2)
  }
}
