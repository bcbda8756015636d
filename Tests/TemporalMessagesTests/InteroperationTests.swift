import Foundation
import TestSupport
import Testing

@testable import TemporalMessages

/// The official protobuf library reads what we write and writes what we read.
@Suite struct InteroperationTests {
  /// Fills every field of every message of our subset, and each member of each oneof once.
  private static let fill = """
    import json, runpy, sys
    from google.protobuf import message_factory
    request = json.load(sys.stdin)
    tools = runpy.run_path(request["compare"])
    messages, _ = tools["our_pool"]()
    pool = tools["official_pool"]()
    def official(name):
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(tools["SAME_SHAPE"].get(name, name)))
    class Filler:
        def __init__(self): self.count = 0
        def scalar(self, field):
            self.count += 1
            n = self.count
            if field.enum_type: return field.enum_type.values[n % len(field.enum_type.values)].number or 77
            kind = field.type
            if kind in (1, 2): return n + 0.5
            if kind == 9: return "t\\u00e9xt-\\U0001f600-%d" % n
            if kind == 12: return bytes([0, n % 256, 255])
            if kind == 8: return True
            if kind in (3, 5): return -n if n % 2 else n * 1000003 % (2 ** 31)
            return n * 1000003 % (2 ** 32)
        def into(self, target, ours, variant, depth):
            for field in ours.fields:
                group = field.containing_oneof
                if group and group.fields[variant % len(group.fields)].number != field.number: continue
                if field.message_type and field.message_type.GetOptions().map_entry:
                    key, value = (field.message_type.fields_by_name[part] for part in ("key", "value"))
                    for _ in range(2):
                        if value.message_type:
                            entry = getattr(target, field.name)[self.scalar(key)]
                            self.into(entry, value.message_type, variant, depth - 1)
                        else:
                            getattr(target, field.name)[self.scalar(key)] = self.scalar(value)
                elif field.message_type:
                    if field.is_repeated:
                        for _ in range(2 if depth > 0 else 0):
                            self.into(getattr(target, field.name).add(), field.message_type, variant, depth - 1)
                    else:
                        getattr(target, field.name).SetInParent()
                        if depth > 0: self.into(getattr(target, field.name), field.message_type, variant, depth - 1)
                elif field.is_repeated:
                    getattr(target, field.name).extend(self.scalar(field) for _ in range(3))
                else:
                    setattr(target, field.name, self.scalar(field))
    def samples(name, ours):
        variants = max([len(group.fields) for group in ours.oneofs] + [2])
        for variant in range(variants):
            target = official(name)()
            Filler().into(target, ours, variant, 2)
            yield target
    cases = {name: list(samples(name, ours)) for name, ours in messages.items() if not ours.GetOptions().map_entry}
    if "answers" not in request:
        json.dump({name: [item.SerializeToString().hex() for item in items] for name, items in cases.items()}, sys.stdout)
    else:
        faults = []
        for name, items in cases.items():
            for index, item in enumerate(items):
                back = official(name).FromString(bytes.fromhex(request["answers"][name][index]))
                if back != item: faults.append("%s, variant %d: sent %s, came back %s" % (name, index, item, back))
        json.dump(faults[:5], sys.stdout)
    """

  private struct Request: Encodable {
    let compare = Repository.root.appendingPathComponent("Protos/compare").path
    var answers: [String: [String]]?
  }

  private func ask(_ request: Request) throws -> Data {
    let input = String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
    return Data(try PythonPeer.run(Self.fill, input: input).utf8)
  }

  @Test func everyFieldOfEveryMessageSurvivesTheOfficialLibrary() throws {
    let samples = try JSONDecoder().decode([String: [String]].self, from: ask(Request()))
    #expect(samples.count == MessageCatalog.all.count)
    var answers: [String: [String]] = [:]
    for type in MessageCatalog.all {
      answers[type.fullName] = try samples[type.fullName]?.map { sample in
        Hexadecimal.text(try again(type, Hexadecimal.bytes(sample)))
      }
    }
    let faults = try JSONDecoder().decode([String].self, from: ask(Request(answers: answers)))
    #expect(faults == [])
  }

  private func again<Message: WireMessage>(_ type: Message.Type, _ wire: [UInt8]) throws -> [UInt8] {
    try Message(wire: wire).wire()
  }

  @Test func officialLibraryReadsOurCompletion() throws {
    let wire = Hexadecimal.text(try RoundTripTests.completion.wire())
    let output = try PythonPeer.run(
      """
      import sys
      from temporalio.api.workflowservice.v1 import RespondWorkflowTaskCompletedRequest as R
      r = R.FromString(bytes.fromhex(sys.stdin.read()))
      a = r.commands[0].schedule_activity_task_command_attributes
      f = r.commands[1].fail_workflow_execution_command_attributes.failure
      print(r.identity, r.sticky_attributes.worker_task_queue.normal_name, a.activity_type.name,
            a.retry_policy.backoff_coefficient, a.input.payloads[0].data.decode(), f.cause.application_failure_info.type,
            sorted(r.query_results), list(r.sdk_metadata.lang_used_flags), r.query_results["a"].result_type, sep="|")
      """, input: wire)
    #expect(
      output == """
        worker@gate|dbt-tasks|execute_node|2.5|{"command":"build"}|Database|['a', 'b']|[1, 300, 4000000000]|-7

        """)
  }
}
