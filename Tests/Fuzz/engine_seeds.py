"""Writes the seeds of the engine's corpora: python3 Tests/Fuzz/engine_seeds.py

The files are committed; running this again writes the same ones. Templates come from the differential test's corpus.
"""

import pathlib

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE / "Corpus"
TEMPLATES = HERE.parent / "JinjaTests" / "Differential"


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def templates():
    number = 0
    for path in sorted(TEMPLATES.glob("*/*.txt")):
        lines = [line for line in path.read_text().split("\n") if line and not line.startswith("//")]
        # Some from each file, spread over it.
        for line in lines[:: max(1, len(lines) // 8)][:8]:
            write("FuzzJinja", f"{path.stem}-{number:03}", bytes([number % 8]) + line.replace("\u23ce", "\n").encode())
            number += 1


YAML = {
    "models": "version: 2\nmodels:\n  - name: a\n    description: >\n      folded\n      text\n    columns:\n      - {name: id, tests: [unique, not_null]}\n",
    "anchors": "a: &x {k: 1}\nb: *x\nc:\n  <<: *x\n  m: 2\nd: [*x, *x]\n",
    "bomb": "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{n}: &{n} [*{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}]\n" for p, n in zip("abcdefgh", "bcdefghi")),
    "self": "a: &a [*a]\n", "scalars": "[~, yes, No, 0o17, 017, 0x1F, 1_000, 1:30, .inf, -.inf, .nan, 1e3, 2024-01-31, 'x', \"\\u00e9\"]\n",
    "dates": "a: 2024-01-31 10:00:00\nb: 2024-01-31T10:00:00Z\n", "block": "a: |+\n  x\n\n\nb: >-\n  y\n  z\nc: |2\n    w\n",
    "keys": "? [a, b]\n: 1\n? {c: d}\n: 2\n1: x\nnull: y\ntrue: z\n", "duplicate": "a: 1\na: 2\n", "tabs": "a:\n\tb: 1\n",
    "two": "---\na: 1\n---\nb: 2\n", "tags": "!!str 5\n", "binary": "a: !!binary aGVsbG8=\n", "set": "!!set {a, b}\n",
    "unclosed": "{a: [1, 2", "quoted": "a: 'it''s'\nb: \"tab\\tquote\\\" \\x41 \\U0001F600\"\n", "comment": "# only a comment\n",
    "empty": "", "utf16": "\ufeffa: 1\n".encode("utf-16"), "invalid": b"a: \xff\xfe\n", "nul": b"a: \x00\n",
    "deep": "[" * 60 + "]" * 60, "indent": "a:\n" + "".join(" " * n + f"k{n}:\n" for n in range(1, 30)) + " " * 30 + "x: 1\n",
    "jinja": "on-run-start: \"{{ log('x') }}\"\nvars:\n  a: \"{{ env_var('X', '') }}\"\n", "directive": "%YAML 1.1\n%TAG ! tag:x,2000:\n---\n!a b\n",
}

CSV = {
    "plain": "id,name,amount\n1,ann,2.50\n2,bob,3\n", "quoted": 'a,b\n"x,y","say ""hi"""\n"two\nlines",z\n', "empty": "", "header": "a,b,c\n",
    "types": "i,n,d,t,b,x\n1,1.5,2024-01-31,2024-01-31 10:00:00,true,abc\n-2,1e3,2023-12-01,2024-01-31T10:00:00,FALSE,\n,,,,,n/a\n",
    "short": "a,b,c\n1\n1,2\n", "long": "a\n1,2\n", "blank": "a,b\n\n1,2\n\n", "crlf": "a,b\r\n1,2\r\n", "cr": "a,b\r1,2\r", "bom": "\ufeffa,b\n1,2\n",
    "duplicate": "a,a,a\n1,2,3\n", "unnamed": ",,\n1,2,3\n", "big": "a\n123456789012345678901234567890\n1e400\n-0\n", "percent": "a,b\n50%,$1.00\n",
    "unclosed": 'a\n"x', "after": 'a\n"x"y\n', "nul": b"a\n\x00\n", "latin": b"a\n\xe9\n", "spaces": " a , b \n 1 , x \n", "zeros": "a\n007\n0\n00\n",
    "nulls": "a,b,c\nnull,NULL,none\nNA,n/a,.\n", "times": "a\n10:00:00\n10:00\n", "mixed": "a\n1\nx\n2024-01-31\ntrue\n", "wide": ",".join(f"c{n}" for n in range(64)) + "\n" + ",".join("1" for _ in range(64)) + "\n",
}

SELECTORS = [
    "my_model", "+a", "a+", "+a+", "2+a+3", "@a", "a b", "a,b", "a,b c,d", "tag:nightly", "config.materialized:view", "config.meta.owner:me", "path:models/*.sql",
    "source:raw.orders", "source:raw+", "exposure:dash", "state:modified+", "state:modified.body", "result:error+", "source_status:fresher+", "test_type:generic", "package:dbt_utils",
    "fqn:a.b.c", "*", "a.*", "[ab]?", "group:finance", "access:public", "version:latest", "resource_type:model", "selector:x", "a+,b", "+", "@", "@a+", "1+", "+1", "99999999999999999999+a",
    "a\x00b", "\x00", "tag:a\x00tag:b c",
    "selectors:\n  - name: x\n    default: true\n    definition: tag:a\n",
    "selectors:\n  - name: x\n    definition:\n      union:\n        - method: tag\n          value: a\n          parents: true\n          children_depth: 2\n        - intersection: [a, {method: path, value: b}]\n        - exclude: [c]\n",
    "selectors:\n  - name: x\n    definition: {method: selector, value: y}\n  - name: y\n    definition: {method: selector, value: x}\n",
    "selectors:\n  - name: x\n    definition: {method: fqn, value: a, indirect_selection: cautious, childrens_parents: true}\n",
]

BLOCKS = [
    "select 1", "with a as (select 1) select * from a", "with recursive a as (select 1) select * from a", "WITH\n a as (select 1)", "-- with\nselect 1", "/* with /* x */ */ with b as (select 1) select 2",
    "  \n\tselect 1", "", " ", "with", "without", "with_x", "/* open", "--", "select 'with a as' from b", "(with a as (select 1) select 1)", "explain with a as (select 1) select 1",
    "{% snapshot s %}select 1{% endsnapshot %}", "{% snapshot a %}{% endsnapshot %}{% snapshot b -%} x {%- endsnapshot %}", "{% snapshot a %}{% snapshot b %}{% endsnapshot %}", "{% endsnapshot %}",
    "{% snapshot %}{% endsnapshot %}", "{% snapshot a %}", "{# {% snapshot a %} #}{% snapshot b %}{% endsnapshot %}", "{% raw %}{% snapshot a %}{% endraw %}", "{% docs d %}# text {{ x }}{% enddocs %}",
    "{% snapshot a %}{{ config(unique_key=\"'%}'\") }}{% endsnapshot %}", "{% set x = '{% snapshot a %}' %}", "{% docs a %}{% raw %}{% enddocs %}{% endraw %}{% enddocs %}", "{%- snapshot a -%}\nselect\n{%- endsnapshot -%}",
    "{% snapshot a %}{% if x %}{% endif %}{% endsnapshot %}", "{%snapshot a%}{%endsnapshot%}", "{% snapshot é %}{% endsnapshot %}", "{", "{%", "{% ", "%}", "{% raw %}", "{#",
]


def main():
    templates()
    for name, data in YAML.items():
        write("FuzzYAML", name, data)
    for name, data in CSV.items():
        data = data if isinstance(data, bytes) else data.encode()
        write("FuzzCSV", name, b"\x00" + data)
    write("FuzzCSV", "semicolon", b"\x01a;b\n1;2\n")
    write("FuzzCSV", "tab", b"\x02a\tb\n1\t2\n")
    for target, texts in (("FuzzSelectors", SELECTORS), ("FuzzBlocks", BLOCKS)):
        for number, text in enumerate(texts):
            write(target, f"{number:02}", text)


main()
