import EventLoop
import OrderedCollections
import PlainData
import Synchronization
import Testing

@testable import Worker

/// Probes that answer as a test says; what is not mentioned is fine.
private struct ScriptedProbes: DoctorProbes {
  var findings: [DoctorStep: DoctorReport.Finding] = [:]
  var asked = Asked()

  final class Asked: Sendable {
    let steps = Mutex<[DoctorStep]>([])
  }

  func look(at step: DoctorStep) async -> DoctorReport.Finding {
    asked.steps.withLock { $0.append(step) }
    return findings[step] ?? DoctorReport.Finding(.ok, seen: ["\(step.rawValue) seen"])
  }
}

@Suite struct DoctorCourseTests {
  private func failed(_ reason: String = "broken", advice: String = "mend it") -> DoctorReport.Finding {
    DoctorReport.Finding(.failed, reason: reason, advice: advice)
  }

  @Test func everyStepIsTakenInOrderAndNeedsOnlyEarlierOnes() async {
    let probes = ScriptedProbes()
    let report = await Doctor.run(probes)
    #expect(report.entries.map(\.step) == DoctorStep.allCases)
    #expect(probes.asked.steps.withLock { $0 } == DoctorStep.allCases)
    #expect(report.status == .ok && report.exitCode == 0 && report.firstFailure == nil)
    for (index, step) in DoctorStep.allCases.enumerated() {
      for need in step.needs { #expect(DoctorStep.allCases[..<index].contains(need)) }
    }
  }

  @Test func whatStandsOnAFailureIsNotTriedAndNamesIt() async {
    let probes = ScriptedProbes(findings: [.tls: failed()])
    let report = await Doctor.run(probes)
    #expect(report.firstFailure?.step == .tls && report.exitCode == 1)
    for step in [DoctorStep.alpn, .http2, .grpc, .authentication, .namespace, .taskQueue] {
      let finding = report.entries.first { $0.step == step }?.finding
      #expect(finding?.status == .skipped && finding?.reason == "not tried because 'tls' failed")
    }
    // The engine's side has nothing to do with it.
    #expect(report.entries.first { $0.step == .warehouse }?.finding.status == .ok)
    #expect(!probes.asked.steps.withLock { $0.contains(.grpc) })
  }

  @Test func warningsFailNothing() async {
    let report = await Doctor.run(
      ScriptedProbes(findings: [.taskQueue: .init(.warning, reason: "nobody polls", advice: "start a worker")]))
    #expect(report.status == .warning && report.exitCode == 0)
    #expect(report.entries.allSatisfy { $0.finding.status != .skipped })
  }

  @Test func aStepThatWasSkippedForWantOfNothingStopsNoOther() async {
    let report = await Doctor.run(ScriptedProbes(findings: [.proxy: .init(.skipped, reason: "none")]))
    #expect(report.entries.first { $0.step == .tcp }?.finding.status == .ok)
  }

  @Test func theWholeRunEndsWithinItsTime() {
    var course = DoctorCourse()
    #expect(course.next(elapsed: .zero)?.step == .configuration)
    course.take(.configuration, .init(.ok), duration: .seconds(1))
    #expect(course.next(elapsed: DoctorCourse.limit - .seconds(2))?.limit == .seconds(2))
    course.take(.files, .init(.ok), duration: .seconds(2))
    #expect(course.next(elapsed: DoctorCourse.limit) == nil)
    #expect(course.report.entries.count == DoctorStep.allCases.count)
    #expect(course.report.entries.dropFirst(2).allSatisfy { $0.finding.status == .skipped })
    #expect(course.report.entries.last?.finding.reason?.contains("60 s of the whole run were over") == true)
  }

  @Test func aStepThatHangsIsGivenUp() async {
    struct Hanging: DoctorProbes {
      func look(at step: DoctorStep) async -> DoctorReport.Finding {
        if step == .alpn { try? await Task.sleep(for: .seconds(600)) }
        return DoctorReport.Finding(.ok)
      }
    }
    let start = ContinuousClock.now
    let report = await Doctor.run(Hanging())
    #expect(start.duration(to: .now) < .seconds(40))
    #expect(report.firstFailure?.step == .alpn)
    #expect(report.firstFailure?.finding.reason == "no answer within 5 s")
  }

  @Test func theJSONHasEveryKeyInEveryStep() async throws {
    let report = await Doctor.run(
      ScriptedProbes(findings: [.dns: .init(.failed, seen: ["a"], facts: ["host": "h"], reason: "r", advice: "d")]))
    let json = try PlainValue(jsonText: report.json.json())
    #expect(json.objectValue?.keys == ["sallyport", "status", "first_failure", "steps"])
    #expect(json["status"] == "failed" && json["first_failure"] == "dns")
    let steps = try #require(json["steps"]?.arrayValue)
    #expect(steps.map { $0["name"]?.stringValue } == DoctorStep.allCases.map(\.rawValue))
    for step in steps {
      #expect(
        step.objectValue?.keys == ["name", "title", "status", "seconds", "seen", "facts", "reason", "advice"])
    }
    let dns = steps[3]
    #expect(dns["status"] == "failed" && dns["reason"] == "r" && dns["advice"] == "d" && dns["facts"]?["host"] == "h")
    #expect(steps[0]["reason"]?.isNull == true && steps[0]["advice"]?.isNull == true)
  }

  @Test func theNamesOfStepsAreAPromiseToMachines() {
    #expect(
      DoctorStep.allCases.map(\.rawValue) == [
        "configuration", "files", "certificates", "dns", "proxy", "tcp", "tls", "alpn", "http2", "grpc",
        "authentication", "namespace", "task_queue", "projects", "warehouse", "egress", "process",
      ])
  }

  @Test func theTextShowsWhyAndWhatToDoBelowAFailure() {
    let text = DoctorText(hasColour: false)
    func entry(_ step: DoctorStep, _ finding: DoctorReport.Finding) -> DoctorReport.Entry {
      DoctorReport.Entry(step: step, finding: finding, duration: .zero)
    }
    #expect(
      text.block(entry(.dns, .init(.ok, seen: ["host is 10.0.0.1", "and ::1"])))
        == "ok      dns              host is 10.0.0.1\n                         and ::1\n")
    #expect(
      text.block(entry(.tcp, failed("refused\nby all", advice: "start it")))
        == """
        FAILED  tcp              each address of the scheduler
                                 why:  refused by all
                                 do:   start it

        """)
    #expect(
      text.block(entry(.tls, .init(.skipped, reason: "not tried because 'tcp' failed")))
        == "-       tls              not tried because 'tcp' failed\n")
    var report = DoctorReport()
    #expect(text.conclusion(report) == "\nEverything works.\n")
    report.entries = [entry(.proxy, .init(.warning, reason: "x"))]
    #expect(text.conclusion(report) == "\nEverything works, 1 warning.\n")
    report.entries += [entry(.tcp, failed("refused")), entry(.process, failed("other"))]
    #expect(text.conclusion(report) == "\nBegin with 'tcp': refused\n")
    #expect(DoctorText(hasColour: true).block(entry(.tcp, failed())).hasPrefix("\u{1B}[31mFAILED  \u{1B}[0m"))
  }
}
