"""Templates that are made rather than written: products of operators, methods, filters and formats over values, and
random programs and expressions from a seed. Each generator yields template texts."""

import itertools
import random

VALUES = [
    "0", "1", "-3", "7", "2.5", "-0.5", "1e16", "true", "none", "''", "'ab'", "'%s!'", "[]", "[1, 2]", "(1, 'a')",
    "{}", "{'a': 1}", "missing", "9223372036854775807", "123456789012345678901234567890", "decimal('1.50')",
    "range(3)",
]


def operators():
    for a, b in itertools.product(VALUES, VALUES):
        for op in ["+", "-", "*", "/", "//", "%", "==", "<", ">=", "in", "~", "and"]:
            if op == "*" and ("1e16" in (a, b) or len(a) > 15 or len(b) > 15):
                numeric = all(v[0] in "-0123456789d" for v in (a, b))
                if not numeric:
                    continue
            yield "{{ (%s) %s (%s) }}" % (a, op, b)
    small = ["0", "1", "2", "-3", "0.5", "10", "true", "decimal('2.5')", "decimal('3')"]
    for a, b in itertools.product(small, small):
        yield "{{ (%s) ** (%s) }}" % (a, b)
        yield "{{ -(%s) ~ '|' ~ +(%s) ~ '|' ~ (not %s) }}" % (a, b, a)


def methods():
    strings = ["''", "'abc'", "'Hello World'", "' pad\\t'", "'aXbXc'", "u", "'123'", "'ÀÉ'", "'a\\r\\nb\\n'", "'-42'"]
    calls = [
        "upper()", "lower()", "title()", "capitalize()", "swapcase()", "strip()", "lstrip()", "rstrip()",
        "strip('a')", "split()", "split('X')", "split('X', 1)", "rsplit('X', 1)", "rsplit(maxsplit=1)", "split('')",
        "splitlines()", "splitlines(true)", "replace('a', 'ZZ')", "replace('', '-')", "replace('a', '', 1)",
        "startswith('a')", "endswith(('c', 'd'))", "find('l')", "find('o', 5)", "index('q')", "rfind('l')",
        "count('l')", "count('')", "join(['x', 'y'])", "join([1])", "isdigit()", "isalpha()", "isalnum()",
        "isspace()", "isupper()", "islower()", "istitle()", "isnumeric()", "isidentifier()", "zfill(6)",
        "ljust(5, '.')", "rjust(5)", "center(7, '*')", "center(8, '*')", "partition('X')", "rpartition('X')",
        "encode()", "expandtabs(4)", "removeprefix('a')", "removesuffix('c')", "casefold()", "isascii()",
        "nothing()", "upper(1)", "replace('a')", "isprintable()",
    ]
    for s, c in itertools.product(strings, calls):
        yield "{{ (%s).%s }}" % (s, c)
    lists = [
        "append(4)", "extend([5])", "insert(0, 9)", "insert(-1, 9)", "pop()", "pop(0)", "pop(9)", "remove(1)",
        "remove(99)", "index(2)", "index(99)", "count(1)", "sort()", "sort(reverse=true)", "reverse()", "clear()",
        "copy()", "append()",
    ]
    for c in lists:
        yield "{%% set x = [3, 1, 2, 1] %%}{{ x.%s }}|{{ x }}" % c
        yield "{%% set x = ['b', 'a'] %%}{%% do x.%s %%}{{ x }}" % c
    dicts = [
        "get('a')", "get('q')", "get('q', 7)", "keys()", "values()", "items()", "items()|list", "pop('a')", "pop('q')",
        "pop('q', none)", "setdefault('q', 1)", "setdefault('a', 9)", "update({'z': 1})", "update(z=2)", "copy()",
        "clear()", "get([])", "popitem()", "update([('k', 'v')])", "a", "b", "items", "_p", "__class__", "nope",
    ]
    for c in dicts:
        yield "{%% set x = {'a': 1, 'b': {'c': [1.0, 'q\\'s']}} %%}{{ x.%s }}|{{ x }}" % c


def formats():
    specs = [
        "", "d", ",", "_", "5", "<5", ">5", "^6", "05", "+", " ", "x", "#x", "X", "b", "#b", "o", "e", ".2f", ",.2f",
        "%", ".1%", "g", ".3g", "G", "s", ".2s", "10.3f", "*^9", "=+8", "n", "c", "q", ".0f", "#.3g", "012,.1f", ".2e",
        "08.2f", "<08", ",d", "_x", "z", ".f",
    ]
    values = [
        "0", "5", "-42", "1234567", "2.5", "-0.125", "1e20", "0.1", "1234567.891", "true", "'abc'", "none",
        "123456789012345678901", "decimal('1234.5')", "decimal('-0.00001')", "[1]", "0.5", "1.5", "1e-7",
    ]
    for spec, value in itertools.product(specs, values):
        yield "{{ '{:%s}|'.format(%s) }}" % (spec, value)
    printf = [
        "%s", "%d", "%i", "%5d", "%-5d|", "%05d", "%+d", "% d", "%x", "%X", "%#x", "%o", "%e", "%.2e", "%f", "%.2f",
        "%10.3f", "%g", "%.3g", "%G", "%c", "%r", "%5s", "%-5s|", "%.2s", "%%", "%5%", "%q", "%", "%(a)s", "%*d",
        "%#o", "%.3d", "%08.3f", "%#.0f", "%s %s", "%u",
    ]
    for spec, value in itertools.product(printf, values):
        yield "{{ '%s' %% (%s) }}" % (spec, value)
    yield from [
        "{{ '%(a)s-%(b)05.1f' % {'a': 1, 'b': 2.25} }}", "{{ '%s %s' % (1, 'x') }}", "{{ '%s' % (1, 2) }}",
        "{{ '%*d|%-*d|' % (5, 3, 4, 2) }}", "{{ '%s' % [1, 2] }}", "{{ '%s' % {'a': 1} }}", "{{ 'x' % {} }}",
        "{{ 'x' % [] }}", "{{ 'x' % 1 }}", "{{ '%(a)s' % {'b': 1} }}", "{{ '{} {}'.format(1, 'a') }}",
        "{{ '{0} {1} {0}'.format('a', 'b') }}", "{{ '{a} {b[k]} {c.name}'.format(a=1, b={'k': 2}, c=users[0]) }}",
        "{{ '{!r} {!s}'.format('a', 'b') }}", "{{ '{:{w}.{p}f}'.format(3.14159, w=8, p=2) }}", "{{ '{{}} {}'.format(1) }}",
        "{{ '{}'.format() }}", "{{ '{} {0}'.format(1, 2) }}", "{{ '{x}'.format() }}", "{{ '{'.format() }}",
        "{{ '}'.format() }}", "{{ '{0[1]} {0[a]}'.format([1, 2]) }}", "{{ '{0[1]}'.format([1, 2]) }}",
        "{{ '{a}'.format_map({'a': 3}) }}", "{{ '{:>{}}'.format('x', 5) }}", "{{ '{!x}'.format(1) }}",
        "{{ '{0.__class__}'.format(1) }}", "{{ '{:d}'.format('a') }}", "{{ '{:s}'.format(1) }}",
    ]


def filters():
    names = [
        "abs", "capitalize", "center(9)", "count", "default('D')", "default('D', true)", "d", "dictsort", "escape", "e",
        "filesizeformat", "first", "float", "float(1.5)", "forceescape", "format", "indent", "int", "int(3)", "int(0, 16)",
        "items|list", "join", "join('-')", "last", "length", "list", "lower", "map('upper')|list", "map('string')|join(',')",
        "max", "min", "reject('odd')|list", "replace('a', 'b')", "reverse|list", "round", "round(1)", "round(1, 'floor')",
        "round(-1)", "round(0, 'ceil')", "safe", "select|list", "slice(2)|list", "sort", "sort(reverse=true)", "string",
        "sum", "title", "trim", "truncate(5)", "truncate(5, true)", "unique|list", "upper", "urlencode", "wordcount",
        "wordwrap(5)", "xmlattr", "tojson", "batch(2)|list", "batch(2, 'x')|list", "striptags", "pprint",
        "attr('real')", "tojson(2)", "nosuch", "is_list_not", "groupby(0)", "min(1, 2, 3, 4)",
    ]
    values = VALUES + [
        "'a b  c'", "'<b>x</b> & y'", "'line1\\nline2\\n\\nx'", "'12.7'", "' 42 '", "'0x1f'", "[3, 1, 2]", "['b', 'A', 'a']",
        "[[1, 2], [3, 4]]", "d", "users", "1234567", "-2.567", "'ünï'", "set([1])", "{'b': 2, 'A': 1}", "'inf'", "'1_000'",
        "'quite a long text that goes on'", "[1.5, 2]", "[none, 1]", "('x', 'y')", "2.675", "1e300", "[0.1, 0.2]",
    ]
    for name, value in itertools.product(names, values):
        yield "{{ (%s)|%s }}" % (value, name)


def tests():
    names = [
        "defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string", "mapping",
        "sequence", "iterable", "callable", "escaped", "odd", "even", "divisibleby 2", "lower", "upper", "sameas none", "in [1, 'ab']",
        "eq 1", "ne 1", "lt 1", "gt 1", "le(1)", "ge(1)", "==(1)", "filter", "test", "equalto('ab')", "nosuch", "in 'abc'",
    ]
    for name, value in itertools.product(names, VALUES + ["range", "'upper'", "'odd'", "'ABC'", "'<'|e"]):
        yield "{{ (%s) is %s }}|{{ (%s) is not %s }}" % (value, name, value, name)


def slices():
    parts = ["", "0", "1", "-1", "2", "-2", "10", "-10"]
    for a, b in itertools.product(parts, parts):
        for c in ["", "1", "2", "-1", "-2"]:
            yield "{{ [1, 2, 3, 4][%s:%s:%s] }}{{ 'abcd'[%s:%s:%s] }}" % (a, b, c, a, b, c)
    for key in ["0", "-1", "9", "'a'", "none", "1.0", "true", "'upper'", "'append'", "::0", "'a':", "[]"]:
        for value in ["[1, 2]", "'ab'", "(1, 2)", "{'a': 1, 1: 2}", "5", "none", "missing", "range(4)"]:
            yield "{{ (%s)[%s] }}" % (value, key)


class Program:
    """Random statements over a few names: what they print shows the scoping rules."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = ["x", "y", "q", "n", "l"]
        self.macros = []
        self.loops = 0
        self.stored = set()

    def expression(self, depth=0):
        r = self.random
        loop = ["loop.index", "loop.last"] if self.loops else ["7"]
        if depth > 2 or r.random() < 0.45:
            return r.choice(["1", "2", "'a'", "'b'", "none", "true", "[1, 2]", "ns.v", "n", "l"] + loop + self.names * 2)
        kind = r.randrange(10)
        a, b = self.expression(depth + 1), self.expression(depth + 1)
        if kind == 0:
            return "(%s ~ %s)" % (a, b)
        if kind == 1:
            return "(%s if %s else %s)" % (a, b, self.expression(depth + 1))
        if kind == 2:
            return "(%s or %s)" % (a, b)
        if kind == 3:
            return "(%s == %s)" % (a, b)
        if kind == 4:
            return "[%s, %s]" % (a, b)
        if kind == 5:
            return "(%s is defined)" % a
        if kind == 6:
            return "(%s|default(%s)|string)" % (a, b)
        if kind == 7 and self.macros:
            return "%s(%s)" % (r.choice(self.macros), a)
        if kind == 8:
            return "(%s|string|length)" % a
        return "(%s and %s)" % (a, b)

    def block(self, depth, inLoop=False):
        return "".join(self.statement(depth, inLoop) for _ in range(self.random.randint(1, 3)))

    def statement(self, depth, inLoop):
        r = self.random
        name = r.choice(self.names)
        self.stored.add(name)
        kind = r.randrange(13) if depth < 3 else r.randrange(4)
        if kind in (0, 1):
            return "{{ %s }};" % self.expression()
        if kind == 2:
            return "{%% set %s = %s %%}" % (name, self.expression())
        if kind == 3:
            return "{%% set ns.v = %s %%}" % self.expression()
        if kind == 4:
            return "{%% if %s %%}%s{%% elif %s %%}%s{%% else %%}%s{%% endif %%}" % (
                self.expression(), self.block(depth + 1, inLoop), self.expression(), self.block(depth + 1, inLoop),
                self.block(depth + 1, inLoop))
        if kind == 5:
            return "{%% if %s %%}%s{%% endif %%}" % (self.expression(), self.block(depth + 1, inLoop))
        if kind in (6, 7):
            test = r.choice(["", "", " if " + name, " if loop is undefined"]) if r.random() < 0.3 else ""
            source = r.choice(["l", "[1, 2]", "range(3)", "'ab'", "[]"])
            if source == "l" and "l" in self.stored:
                source = "[l]"
            self.loops += 1
            body = self.block(depth + 1, True)
            self.loops -= 1
            return "{%% for %s in %s%s %%}%s{%% else %%}%s{%% endfor %%}" % (
                name, source, test, body, self.block(depth + 1, inLoop))
        if kind == 8:
            return "{%% set %s %%}%s{%% endset %%}" % (name, self.block(depth + 1))
        if kind == 9:
            return "{%% with %s = %s %%}%s{%% endwith %%}" % (name, self.expression(), self.block(depth + 1))
        if kind == 10:
            macro = "m%d" % len(self.macros)
            loops, self.loops = self.loops, 0
            body = self.block(depth + 1)
            self.loops = loops
            text = "{%% macro %s(%s, k=%s) %%}%s{%% if caller %%}{{ caller() }}{%% endif %%}{%% endmacro %%}" % (
                macro, name, self.expression(), body)
            self.macros.append(macro)
            return text
        if kind == 11 and self.macros:
            return "{%% call %s(%s) %%}%s{%% endcall %%}" % (r.choice(self.macros), self.expression(), self.block(depth + 1))
        if kind == 12 and inLoop:
            return "{%% if %s %%}{%% %s %%}{%% endif %%}" % (self.expression(), r.choice(["break", "continue"]))
        return r.choice([" text ", "{%- if true -%} a {%- endif %} ", "{# c #}", "\n  {%- set y = 3 -%}  \n"])

    def template(self):
        return "{% set ns = namespace(v=0) %}" + "".join(self.statement(0, False) for _ in range(self.random.randint(3, 7)))


def programs(seed, count):
    for index in range(count):
        yield Program(seed + index).template()


class Typed:
    """Random expressions that mostly make sense: each production names the type it gives and the types it takes."""

    def __init__(self, seed):
        self.random = random.Random(seed * 7919 + 17)

    def pick(self, *choices):
        return self.random.choice(choices)

    def number(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.2:
            return self.pick("0", "1", "2", "7", "-3", "2.5", "0.1", "1e3", "n", "f", "neg", "100", "true")
        d = depth - 1
        kind = r.randrange(12)
        if kind < 4:
            return "(%s %s %s)" % (self.number(d), self.pick("+", "-", "*", "/", "//", "%"), self.number(d))
        if kind == 4:
            return "(%s)|%s" % (self.number(d), self.pick("abs", "round", "round(1)", "int", "float", "round(2, 'floor')"))
        if kind == 5:
            return "(%s)|%s" % (self.items(d), self.pick("length", "count"))
        if kind == 6:
            return "(%s)|%s" % (self.text(d), self.pick("length", "int", "int(7)", "float", "wordcount"))
        if kind == 7:
            return "%s.%s" % (self.atom(self.text(d)), self.pick("find('a')", "count('l')", "rfind('o')", "count('')"))
        if kind == 8:
            return "(%s if %s else %s)" % (self.number(d), self.truth(d), self.number(d))
        if kind == 9:
            return "(%s)|%s" % (self.numbers(d), self.pick("sum", "max", "min", "first", "last"))
        if kind == 10:
            return "-%s" % self.atom(self.number(d))
        return "(%s ** %s)" % (self.pick("2", "3", "1.5", "n", "10"), self.pick("0", "2", "3", "0.5", "-1", "20"))

    def atom(self, text):
        return "(%s)" % text

    def text(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.2:
            return self.pick("''", "'abc'", "'Hello World'", "s", "t", "u", "e", "'  x '", "'a,b,,c'", "'42'", "'%s-%s'", "'é<&>'", "'l1\\nl2'")
        d = depth - 1
        kind = r.randrange(12)
        if kind == 0:
            return "(%s ~ %s)" % (self.any(d), self.any(d))
        if kind == 1:
            return "(%s + %s)" % (self.text(d), self.text(d))
        if kind in (2, 3):
            return "(%s)|%s" % (self.text(d), self.pick(
                "upper", "lower", "title", "capitalize", "trim", "replace('a', 'X')", "replace('l', '')", "reverse", "e", "truncate(4, true, '', 0)",
                "center(9)", "indent(2)", "urlencode", "string", "truncate(7)", "wordwrap(4)", "striptags", "safe"))
        if kind in (4, 5):
            return "%s.%s" % (self.atom(self.text(d)), self.pick(
                "upper()", "lower()", "strip()", "title()", "swapcase()", "replace('a', 'b')", "zfill(6)", "ljust(5, '.')", "rjust(5)", "center(6, '*')",
                "removeprefix('a')", "expandtabs(2)", "capitalize()", "casefold()", "lstrip('aH')", "rstrip('cd ')"))
        if kind == 6:
            return "%s[%s:%s%s]" % (self.atom(self.text(d)), self.pick("", "0", "1", "-2", "n"), self.pick("", "1", "3", "-1"), self.pick("", ":2", ":-1"))
        if kind == 7:
            return "'%s' %% (%s, %s)" % (self.pick("%s/%s", "%r|%s", "%5s|%-5s|", "%s%%%s"), self.any(d), self.any(d))
        if kind == 8:
            return "'%s'.format(%s, %s)" % (self.pick("{}-{}", "{1}{0}", "{!r}{!s}", "{:>6}|{}", "{0}{0}{1}"), self.scalar(d), self.any(d))
        if kind == 9:
            return "(%s)|join(%s)" % (self.items(d), self.pick("", "','", "'-'"))
        if kind == 10:
            return "(%s if %s else %s)" % (self.text(d), self.truth(d), self.text(d))
        return "(%s)|string" % self.any(d)

    def truth(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.15:
            return self.pick("true", "false", "yes", "no", "missing", "nil", "z", "n")
        d = depth - 1
        kind = r.randrange(9)
        if kind == 0:
            return "(%s %s %s)" % (self.number(d), self.pick("<", "<=", "==", "!=", ">", ">="), self.number(d))
        if kind == 1:
            return "(%s %s %s)" % (self.text(d), self.pick("<", "==", "!=", ">"), self.text(d))
        if kind == 2:
            return "(not %s)" % self.truth(d)
        if kind == 3:
            return "(%s %s %s)" % (self.truth(d), self.pick("and", "or"), self.truth(d))
        if kind == 4:
            return "(%s is %s)" % (self.atom(self.any(d)), self.pick(
                "string", "number", "none", "defined", "mapping", "sequence", "iterable", "boolean", "float", "integer", "not none", "not string"))
        if kind == 5:
            return "(%s %s %s)" % (self.scalar(d), self.pick("in", "not in"), self.items(d))
        if kind == 6:
            return "(%s is %s)" % (self.atom(self.number(d)), self.pick("odd", "even", "divisibleby 3", "gt 2", "le 2", "eq 1"))
        if kind == 7:
            return "%s.%s" % (self.atom(self.text(d)), self.pick("isdigit()", "isalpha()", "startswith('a')", "endswith('c')", "isupper()", "islower()", "isspace()"))
        return "(%s == %s)" % (self.any(d), self.any(d))

    def scalar(self, depth):
        return self.pick(self.number, self.text, self.truth)(depth)

    def numbers(self, depth):
        d = depth - 1
        if depth <= 0 or self.random.random() < 0.3:
            return self.pick("l", "[]", "range(4)", "[1.5, 2]", "[n, z, neg]")
        return "[%s, %s]" % (self.number(d), self.number(d))

    def items(self, depth):
        r = self.random
        if depth <= 0 or r.random() < 0.2:
            return self.pick("l", "w", "[]", "(1, 'a')", "range(3)", "'abc'", "d", "[n, s]", "users|map(attribute='age')|list")
        d = depth - 1
        kind = r.randrange(11)
        if kind == 0:
            return "[%s, %s]" % (self.any(d), self.any(d))
        if kind == 1:
            return "(%s, %s)" % (self.any(d), self.any(d))
        if kind == 2:
            return "(%s)|list" % self.items(d)
        if kind == 3:
            return "(%s)|map('%s')|list" % (self.items(d), self.pick("string", "upper", "default", "e", "length"))
        if kind == 4:
            return "(%s)|%s|list" % (self.items(d), self.pick("select", "reject", "select('string')", "reject('none')", "unique", "batch(2)", "slice(2)", "reverse"))
        if kind == 5:
            return "(%s)|sort" % self.numbers(d)
        if kind == 6:
            return "%s.%s" % (self.atom(self.text(d)), self.pick("split()", "split(',')", "splitlines()", "partition('a')", "rsplit(' ', 1)"))
        if kind == 7:
            return "(%s)[%s:%s]" % (self.items(d), self.pick("", "1", "-2"), self.pick("", "2", "-1"))
        if kind == 8:
            return "(%s + %s)" % (self.items(d), self.items(d))
        if kind == 9:
            return "{%s: %s, 'k': %s}" % (self.pick("'a'", "1", "s", "none"), self.any(d), self.any(d))
        return "(%s)|dictsort" % self.pick("d", "{'b': 1, 'a': 2}", "{}", "users[0]")

    def any(self, depth):
        return self.pick(self.number, self.text, self.truth, self.items)(depth)

    def template(self):
        r = self.random
        parts = []
        for _ in range(r.randint(1, 2)):
            kind = r.randrange(6)
            if kind < 3:
                parts.append("{{ %s }}" % self.any(3))
            elif kind == 3:
                parts.append("{%% set v = %s %%}{{ v }}|{{ v|string|length }}" % self.any(3))
            elif kind == 4:
                parts.append("{%% for x in %s %%}{{ x }}{{ '%s' if not loop.last }}{%% else %%}none{%% endfor %%}" % (self.items(3), self.pick(",", ";")))
            else:
                parts.append("{%% if %s %%}a{%% elif %s %%}b{%% else %%}c{%% endif %%}" % (self.truth(3), self.truth(2)))
        return self.pick("", " ").join(parts)


def expressions(seed, count):
    for index in range(count):
        yield Typed(seed * 100_003 + index).template()
