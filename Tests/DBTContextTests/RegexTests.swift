import Jinja
import PlainData
import TestSupport
import Testing

@testable import DBTContext

/// `modules.re` against Python's re.
@Suite struct RegexTests {
  static let cases: [[String]] = [
    ["findall", #"\w+"#, "Grüße, wörld 12_3"], ["findall", #"(\w)(\d)?"#, "a1 b c2"], ["findall", "(a)|(b)", "abc"],
    ["findall", "a*", "baac"], ["findall", "", "abc"], ["findall", #"^x"#, "x\nx"], ["findall", #"(?m)^x$"#, "x\nx\n"],
    ["findall", #"\bfoo\b"#, "foo food foo"], ["findall", #"[^a-c\]]+"#, "abcd]ef"],
    ["findall", "[[:alpha:]]", "a:l]["],
    ["findall", #"(?i)SELECT"#, "select Select"], ["findall", "a{,2}b", "aaab ab b"], ["findall", "a{x", "a{x"],
    ["findall", "(?P<y>\\d{4})-(?P<m>\\d\\d)", "2024-05 1999-12"], ["findall", "(a)(?P=n)", "aa"],
    ["findall", "(?P<n>a)(?P=n)", "aa aaa"], ["findall", #"(.)\1"#, "aabbcd"], ["findall", "x(?=y)", "xyx"],
    ["findall", "(?<=\\$)\\d+", "$5 6 $78"], ["findall", "(?:a|b)+?", "abab"], ["findall", "(?x) a b # c\n c", "abc"],
    ["findall", #"\x41\u0042\101"#, "ABA"], ["findall", "(?#note)a", "a"], ["findall", "(?s:.)b", "\nb"],
    ["findall", ".b", "\nb"],
    ["findall", #"a\Z"#, "a\n"], ["findall", "a$", "a\n"], ["findall", #"[\d\-x]+"#, "1-x2"],
    ["findall", #"\s+"#, "a \t\u{00A0}b"],
    ["findall", "(?a)\\w+", "é a"], ["findall", "(?<!a)b", "ab bb"], ["findall", #"[a\]b]+"#, "a]b"],
    ["findall", "[]a]+", "]a"],
    ["findall", "(*ACCEPT)", "x"], ["findall", "(?R)", "x"], ["findall", #"\h"#, "x"], ["findall", "(a", "x"],
    ["findall", "a)", "x"],
    ["findall", "[a", "x"], ["findall", "*a", "x"], ["findall", #"a\"#, "x"], ["findall", "(?P<1>a)", "a"],
    ["findall", #"\K"#, "x"],
    ["findall", "a(?i)b", "ab"], ["findall", "(?(1)a|b)", "b"], ["findall", "(x)?(?(1)a|b)", "xab"],
    ["findall", "a++", "aaa"],
    ["split", #"\s*,\s*"#, "a , b,c"], ["split", "(-)", "a-b-c"], ["split", "", "abc"], ["split", "x*", "axbc"],
    ["split", "a(b)?", "1a2ab3"],
    ["sub", #"\s+"#, "a  b \n c", " "], ["sub", "(\\w+) (\\w+)", "hello world", #"\2 \1"#],
    ["sub", "(?P<a>x)", "axa", #"<\g<a>\g<0>>"#],
    ["sub", "x*", "abxd", "-"], ["sub", "(a)|(b)", "ab", #"[\1\2]"#], ["sub", "a", "aa", #"\n\\"#],
    ["sub", "a", "a", #"\q"#],
    ["sub", "a", "a", #"\1"#], ["sub", "[^0-9a-zA-Z_]+", "a b-c/d", "_"], ["sub", "b", "abc", #"\x"#],
    ["sub", "(b)", "abc", #"\g<1>0"#],
    ["sub", "b", "abc", #"\-"#], ["sub", "é", "caféé", "e"],
    ["match", "b", "ab"], ["match", "a", "ab"], ["search", "b(c)?", "abd"], ["fullmatch", "a+", "aa\n"],
    ["fullmatch", "a|ab", "ab"],
    ["search", "ü", "Gräü"], ["escape", "a.b*c[d]-e f#&~é_\t/"],
  ]

  @Test func resultsAgreeWithPython() throws {
    let script = """
      import re, warnings
      warnings.simplefilter("ignore")
      for case in json.load(sys.stdin):
          name, args = case[0], case[1:]
          try:
              if name == "sub": answer = repr(re.sub(args[0], args[2], args[1]))
              elif name in ("match", "search", "fullmatch"):
                  m = getattr(re, name)(*args)
                  answer = repr((m.span(), m.groups(), m.groupdict())) if m else "None"
              else: answer = repr(getattr(re, name)(*args))
          except (re.error, IndexError): answer = "error"
          print(json.dumps(answer))
      """
    let answers = try pythonAnswers(script, Self.cases.map { .array($0.map { .string($0) }) })
    for (item, answer) in zip(Self.cases, answers) {
      #expect(ours(item) == answer.stringValue, "\(item)")
    }
  }

  private func ours(_ item: [String]) -> String {
    let bench = Bench()
    let arguments = item.dropFirst().map { Value.string($0) }
    do {
      let function = try #require(RegexModule.member(item[0])?.objectValue)
      let ordered = item[0] == "sub" ? [arguments[0], arguments[2], arguments[1]] : Array(arguments)
      let result = try function.call(Arguments(ordered), bench.scope.evaluation())
      guard result.objectValue is MatchObject else { return result.repr }
      let parts = try ["span", "groups", "groupdict"].map { try bench.method($0, of: result) }
      return Value.tuple(parts).repr
    } catch {
      return "error"
    }
  }

  @Test func explosivePatternsHitTheLimit() throws {
    let program = try RegexProgram("(a+)+$")
    let text = [UInt8](repeating: UInt8(ascii: "a"), count: 40) + [UInt8(ascii: "b")]
    let error = #expect(throws: JinjaError.self) { try program.match(text, .start) }
    #expect(error?.kind == .limit)
  }

  @Test func compiledPatternsKnowTheirGroups() throws {
    let bench = Bench()
    let compile = try #require(RegexModule.member("compile")?.objectValue)
    let pattern = try compile.call(Arguments([.string("(?P<y>a)(b)"), .int(2)]), bench.scope.evaluation())
    #expect(try bench.member("groups", of: pattern) == .int(2))
    #expect(try bench.member("groupindex", of: pattern)?.repr == "{'y': 1}")
    #expect(try bench.member("flags", of: pattern) == .int(34))
    let match = try bench.method("search", of: pattern, .string("xAB"))
    #expect(try bench.method("group", of: match, .string("y")) == .string("A"))
  }
}
