import Foundation
import TestSupport
import Testing

@testable import Jinja

/// Runs a body on a thread with a stack of a given size and gives what it returned.
func onThread<Result: Sendable>(stack bytes: Int, _ body: @escaping @Sendable () -> Result) -> Result {
  nonisolated(unsafe) var result: Result?
  let done = DispatchSemaphore(value: 0)
  let thread = Thread {
    result = body()
    done.signal()
  }
  thread.stackSize = bytes
  thread.start()
  done.wait()
  return result!
}

/// The message of a render that fails, or its text.
func outcome(_ source: String, limits: Limits = .standard) -> String {
  do {
    let template = try Template.compile(source, path: "t", options: .plain)
    return String(try Evaluation(globals: DictionaryScope(), limits: limits).renderText(template).prefix(200))
  } catch let error as JinjaError {
    return "\(error.kind): \(error.message)"
  } catch {
    return "\(error)"
  }
}

@Suite struct LimitTests {
  static func times(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }

  static let deep: [String] = [
    "{{ " + times(50_000, "(") + "1" + times(50_000, ")") + " }}",
    "{{ " + times(50_000, "[") + times(50_000, "]") + " }}",
    "{{ " + times(50_000, "{1:") + "1" + times(50_000, "}") + " }}",
    "{{ " + times(50_000, "-") + "1 }}",
    "{{ " + times(50_000, "not ") + "1 }}",
    "{{ 1" + times(50_000, " + 1") + " }}",
    "{{ 1" + times(50_000, " or 1") + " }}",
    "{{ 1" + times(50_000, " if 1 else 1") + " }}",
    "{{ x" + times(50_000, ".a") + " }}",
    "{{ x" + times(50_000, "()") + " }}",
    "{{ x" + times(50_000, "|e") + " }}",
    "{{ x" + times(50_000, "[x") + times(50_000, "]") + " }}",
    "{{ 'a'" + times(50_000, "|replace('a', 'b'") + times(50_000, ")") + " }}",
    times(20_000, "{% if true %}") + "x" + times(20_000, "{% endif %}"),
    times(20_000, "{% for x in [1] %}") + "x" + times(20_000, "{% endfor %}"),
    times(20_000, "{% set x %}") + "x" + times(20_000, "{% endset %}"),
    times(20_000, "{% macro m() %}") + "x" + times(20_000, "{% endmacro %}"),
    "{% if 1 %}" + times(20_000, "{% elif 1 %}") + "{% endif %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{% call m() %}{{ m() }}{% endcall %}{{ caller }}{% endmacro %}{{ m() }}",
    "{% macro m(n) %}{{ [n]|map('string')|list }}{{ m(m(n)) }}{% endmacro %}{{ m(1) }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% set ns = namespace(x=[]) %}{% for i in range(20000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|string|length }}",
    "{% set ns = namespace(x=()) %}{% for i in range(20000) %}{% set ns.x = (ns.x,) %}{% endfor %}",
    "{% set ns = namespace(x={}) %}{% for i in range(20000) %}{% set ns.x = {'a': ns.x} %}{% endfor %}{{ ns.x|tojson }}",
    "{% set ns = namespace(x=1) %}{% for i in range(20000) %}{% set ns.x = namespace(p=ns.x) %}{% endfor %}",
    "{% set ns = namespace(x=1) %}{% for i in range(20000) %}{% set ns.x = cycler(ns.x) %}{% endfor %}",
    "{% set ns = namespace(x=1) %}{% for i in range(20000) %}{% set ns.x = joiner(ns.x) %}{% endfor %}",
    "{% set ns = namespace(x=1) %}{% for i in range(20000) %}{% set ns.x = (ns.x,).index %}{% endfor %}",
    "{% set ns = namespace(x=1) %}{% for i in range(20000) %}{% for j in (ns.x,) %}{% set ns.x = loop %}{% endfor %}"
      + "{% endfor %}",
    "{% set ns = namespace(x=[]) %}{% for i in range(20000) %}{% set ns.x = [(ns.x,)] %}{% endfor %}",
    "{% set a = [] %}{% set b = [] %}{% for i in range(300) %}{% do a.append([a]) %}{% endfor %}{{ a == a }}",
    "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}"
      + "{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
    "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}",
    "{% set ns = namespace(a=(1,)) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {ns.a: 1} }}",
    "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a|tojson }}",
    "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a < ns.a }}",
    "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a|pprint }}",
  ]

  static let tight = {
    var limits = Limits()
    limits.steps = 1_000_000
    limits.outputBytes = 1 << 20
    limits.collectionSize = 1_000_000
    limits.allocatedBytes = 256 << 20
    return limits
  }()

  @Test(arguments: Self.deep.indices)
  func depthEndsInAnError(_ index: Int) {
    // What doubles rather than nests takes its time, and is not about the stack.
    for stack in Self.deep[index].contains("range(60)") ? [512 << 10] : [512 << 10, 8 << 20] {
      let result = onThread(stack: stack) { () -> String in
        var limits = Limits()
        limits.outputBytes = 1 << 20
        limits.steps = 1_000_000
        return outcome(Self.deep[index], limits: limits)
      }
      #expect(!result.isEmpty || index == 17 || index > 20, "\(Self.deep[index].prefix(80))")
    }
  }

  @Test(arguments: [
    "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
    "{{ 'x' * 999999999999 }}", "{{ [1] * 999999999999 }}", "{{ 10 ** (10 ** 10) }}",
    "{% set x = [1] %}{% for i in x %}{% do x.append(i) %}{% endfor %}",
    "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% set ns = namespace(s='xx') %}{% for i in range(100) %}{% set ns.s = ns.s|replace('x', 'xx') %}{% endfor %}",
    "{% set ns = namespace(s='xx') %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s]|join %}{% endfor %}",
    "{{ '%99999999999d' % 1 }}", "{{ '{:99999999999}'.format(1) }}", "{{ 'a'|center(99999999999) }}",
    "{{ 'a'.ljust(99999999999) }}", "{{ 'a'|indent(99999999999) }}", "{{ [1]|batch(99999999999, 0)|list }}",
    "{{ [1]|slice(99999999999)|list }}", "{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}",
    "{{ 'x'.zfill(99999999999) }}", "{{ '%.99999999999f' % 1 }}", "{{ 9 ** (9 ** 9) }}",
    "{{ 2 ** 65536 * 2 ** 65536 }}",
    "{% set ns = namespace(n=3) %}{% for i in range(40) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
    "{{ 'x' * 10 ** 10 }}", "{{ 'x'.encode() * 10 ** 10 }}", "{{ 'a'.rjust(10 ** 10) }}", "{{ 'a'.center(10 ** 10) }}",
    "{{ '\\t'.expandtabs(10 ** 10) }}", "{{ ('\\t' * 1000).expandtabs(100000) }}", "{{ [1]|tojson(10 ** 10) }}",
    "{{ range(100000)|list|tojson(1000) }}", "{{ '{:>{w}}'.format('x', w=10 ** 10) }}", "{{ '%*d' % (10 ** 9, 1) }}",
    "{{ ('a\\n' * 10000)|indent(10000) }}",
    "{{ ('a' * 1000)|replace('', 'b' * 10000) }}", "{{ ('a' * 1000).replace('', 'b' * 10000) }}",
    "{{ ('x' * 1000000).join(range(100)|map('string')) }}", "{{ (range(100000)|list * 100)|length }}",
    "{{ (10).to_bytes(10 ** 9, 'big') }}", "{% set x = [1] %}{% for i in x %}{% do x.extend(x) %}{% endfor %}",
    "{% set d = {} %}{% for i in range(100000) %}{% for j in range(100) %}{% do d.update({i * 100 + j: 1}) %}{% endfor %}"
      + "{% endfor %}",
    "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}" + times(25, "{% call m() %}") + "x"
      + times(25, "{% endcall %}"),
    "{% block a %}{{ self.a() }}{% endblock %}", "{% for i in range(100000) %}{{ lipsum(100) }}{% endfor %}",
    "{% autoescape true %}{% for i in range(100000) %}{{ '<' * 1000 }}{% endfor %}{% endautoescape %}",
  ])
  func growthEndsInALimitError(_ source: String) {
    let limits = Self.tight
    let start = ContinuousClock.now
    let result = onThread(stack: 8 << 20) { outcome(source, limits: limits) }
    #expect(result.hasPrefix("limit:"), "\(source) gave \(result)")
    #expect(ContinuousClock.now - start < .seconds(90), "\(source) took too long")
  }

  @Test func timeIsBounded() {
    var limits = Limits()
    limits.time = .zero
    #expect(outcome("{% for i in range(100000) %}{% endfor %}", limits: limits).hasPrefix("limit:"))
  }

  @Test func fiftyMacroCallsFitIntoASmallStack() {
    let source = "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}x{% endmacro %}{{ m(30)|length }}"
    #expect(onThread(stack: 512 << 10) { outcome(source) } == "31")
  }

  @Test func threeHundredMacroCallsFitIntoAnOrdinaryStack() {
    let source = "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}x{% endmacro %}{{ m(300)|length }}"
    #expect(onThread(stack: 8 << 20) { outcome(source) } == "301")
  }
}

@Suite struct FuzzTests {
  /// A small generator with a seed (xorshift), so that a failure repeats.
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
  }

  @Test func damagedTemplatesNeverCrash() throws {
    let corpus = try TemplateOracle.handwritten("jinja").map { Array($0.utf8) }
    let rounds = ProcessInfo.processInfo.environment["SALLYPORT_FUZZ_ROUNDS"].flatMap(Int.init) ?? 4000
    let finished = onThread(stack: 8 << 20) { () -> Int in
      var generator = Generator(state: 0x5a11_f00d)
      var finished = 0
      for _ in 0..<rounds {
        var bytes = corpus.randomElement(using: &generator) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
          let other = corpus.randomElement(using: &generator) ?? []
          let at = Int.random(in: 0...bytes.count, using: &generator)
          switch Int.random(in: 0..<5, using: &generator) {
          case 0: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: at)
          case 1: if at < bytes.count { bytes.remove(at: at) }
          case 2: bytes.insert(contentsOf: other, at: at)
          case 3:
            let from = Int.random(in: 0...other.count, using: &generator)
            bytes.insert(contentsOf: other[from..<min(other.count, from + 8)], at: at)
          default: bytes = Array(bytes[..<at]) + other.suffix(at)
          }
        }
        var limits = Limits.small
        limits.steps = 100_000
        limits.outputBytes = 1 << 20
        limits.allocatedBytes = 64 << 20
        let source = String(decoding: bytes, as: UTF8.self)
        if let template = try? Template.compile(source, path: "fuzz", options: finished % 2 == 0 ? .plain : .dbt),
          let scope = try? DifferentialTests.scope()
        {
          let policy: UndefinedPolicy = finished % 3 == 0 ? .absorbing : .standard
          let evaluation = Evaluation(globals: scope, limits: limits, undefined: policy)
          _ = try? evaluation.renderText(template)
          _ = try? evaluation.renderNative(template)
        }
        finished += 1
      }
      return finished
    }
    #expect(finished == rounds)
  }
}
