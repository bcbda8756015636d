import CLinux
import Foundation
import Testing

@testable import Worker

/// The filter as a program, run by an interpreter of our own, for both kinds of machine.
@Suite struct SystemCallFilterTests {
  /// What the kernel shows a filter: struct seccomp_data.
  struct Record {
    var number: UInt32
    var mark: UInt32
    var arguments: [UInt32] = []

    func word(at offset: UInt32) -> UInt32? {
      switch offset {
      case 0: return number
      case 4: return mark
      case let offset where offset >= 16 && offset % 8 == 0:
        let index = Int(offset - 16) / 8
        return index < 6 ? (index < arguments.count ? arguments[index] : 0) : nil
      default: return nil
      }
    }
  }

  /// The answer that a program gives; nil for a program that breaks off or asks for what there is not.
  static func answer(_ steps: [sock_filter], _ record: Record) -> UInt32? {
    var place = 0
    var value: UInt32 = 0
    while place < steps.count {
      let step = steps[place]
      place += 1
      switch step.code {
      case 0x20:
        guard let word = record.word(at: step.k) else { return nil }
        value = word
      case 0x54: value &= step.k
      case 0x15: place += Int(value == step.k ? step.jt : step.jf)
      case 0x35: place += Int(value >= step.k ? step.jt : step.jf)
      case 0x45: place += Int(value & step.k != 0 ? step.jt : step.jf)
      case 0x06: return step.k
      default: return nil
      }
    }
    return nil
  }

  private func answer(
    _ machine: SystemCallFilter.Machine, _ call: SystemCallFilter.Call, _ arguments: [UInt32] = []
  ) -> UInt32? {
    guard let number = call.number(on: machine) else { return nil }
    return Self.answer(
      SystemCallFilter(for: machine).steps, Record(number: number, mark: machine.mark, arguments: arguments))
  }

  private let admit: UInt32 = 0x7FFF_0000
  private let refuse: UInt32 = 0x0005_0001

  @Test(arguments: SystemCallFilter.Machine.allCases)
  func whatIsListedIsRefusedAndNothingElse(machine: SystemCallFilter.Machine) throws {
    let steps = SystemCallFilter(for: machine).steps
    #expect(steps.count < 4096, "the kernel takes no more")
    let special = [SystemCallFilter.clone, .init("clone3", 435, 435), SystemCallFilter.socket]
    let closed = Set((SystemCallFilter.refused + special).compactMap { $0.number(on: machine) })
    #expect(closed.count > 70)
    for number in UInt32(0)...600 {
      let answer = try #require(Self.answer(steps, Record(number: number, mark: machine.mark)))
      #expect((answer != admit) == closed.contains(number), "number \(number)")
    }
  }

  @Test(arguments: SystemCallFilter.Machine.allCases)
  func threadsAreMadeAndProcessesAreNot(machine: SystemCallFilter.Machine) {
    let thread: UInt32 = 0x3D0F00  // what the C library's pthread_create asks for
    #expect(answer(machine, SystemCallFilter.clone, [thread]) == admit)
    #expect(answer(machine, SystemCallFilter.clone, [0x0120_0011]) == refuse)  // fork
    #expect(answer(machine, SystemCallFilter.clone, [0x4111]) == refuse)  // vfork
    #expect(answer(machine, SystemCallFilter.clone3) == 0x0005_0026, "ENOSYS, so that clone is used instead")
  }

  @Test(arguments: SystemCallFilter.Machine.allCases)
  func onlyOrdinarySocketsAreMade(machine: SystemCallFilter.Machine) {
    func socket(_ family: UInt32, _ type: UInt32, _ transport: UInt32 = 0) -> UInt32? {
      answer(machine, SystemCallFilter.socket, [family, type, transport])
    }
    let closing: UInt32 = 0o2_004_000  // SOCK_CLOEXEC and SOCK_NONBLOCK
    for family in [2, 10] as [UInt32] {
      for type in [1, 2, 1 | closing, 2 | closing] {
        for transport in [0, 6, 17] as [UInt32] { #expect(socket(family, type, transport) == admit) }
        for transport in [1, 132, 136, 262] as [UInt32] { #expect(socket(family, type, transport) == refuse) }
      }
      for type in [3, 4, 5, 10] as [UInt32] { #expect(socket(family, type) == refuse) }
    }
    #expect(socket(1, 1) == admit && socket(1, 5) == admit)
    #expect(socket(16, 3) == admit && socket(16, 2 | closing) == admit)
    for transport in [2, 9, 12, 15] as [UInt32] { #expect(socket(16, 3, transport) == refuse) }
    for family in [3, 15, 17, 21, 29, 31, 38, 40, 43, 44] as [UInt32] { #expect(socket(family, 1) == refuse) }
  }

  @Test(arguments: SystemCallFilter.Machine.allCases)
  func nothingIsSentWithoutConnectingFirst(machine: SystemCallFilter.Machine) {
    for (call, place) in SystemCallFilter.senders {
      var arguments: [UInt32] = [3, 0, 0, 0]
      arguments[place] = 0x4000  // MSG_NOSIGNAL
      #expect(answer(machine, call, arguments) == admit)
      arguments[place] |= 0x2000_0000  // MSG_FASTOPEN
      #expect(answer(machine, call, arguments) == refuse)
    }
    #expect(answer(machine, SystemCallFilter.ioctl, [0, 0x5412]) == refuse)
    #expect(answer(machine, SystemCallFilter.ioctl, [0, 0x541B]) == admit)
  }

  @Test func anotherArchitectureEndsTheProcess() {
    let steps = SystemCallFilter(for: .x86).steps
    #expect(Self.answer(steps, Record(number: 11, mark: 0x4000_0003)) == 0x8000_0000, "32 bit")
    #expect(Self.answer(steps, Record(number: 0x4000_0000 | 59, mark: 0xC000_003E)) == refuse, "x32")
    #expect(Self.answer(SystemCallFilter(for: .arm).steps, Record(number: 59, mark: 0xC000_003E)) == 0x8000_0000)
  }

  /// The kernel's own headers hold every number but those of calls newer than they.
  @Test func theNumbersAreTheKernels() throws {
    func numbers(_ path: String) throws -> [String: UInt32] {
      var found: [String: UInt32] = [:]
      for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
        let words = line.split(whereSeparator: \.isWhitespace)
        guard words.count >= 3, words[0] == "#define", words[1].hasPrefix("__NR_") else { continue }
        if let number = UInt32(words[2]) { found[String(words[1].dropFirst(5))] = number }
      }
      return found
    }
    let arm = try numbers("/usr/include/asm-generic/unistd.h")
    #if arch(x86_64)
      let x86 = try numbers("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    #else
      let x86: [String: UInt32]? = nil
    #endif
    let calls =
      SystemCallFilter.refused + SystemCallFilter.senders.map(\.0) + [
        SystemCallFilter.clone, SystemCallFilter.clone3, SystemCallFilter.socket, SystemCallFilter.ioctl,
      ]
    let newer: Set = ["open_tree_attr"]
    for call in calls where !newer.contains(call.name) {
      #expect(arm[call.name] == call.arm, "\(call.name)")
      if let x86 = x86 as [String: UInt32]? { #expect(x86[call.name] == call.x86, "\(call.name)") }
    }
  }
}
