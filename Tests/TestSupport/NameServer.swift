import Foundation
import Glibc

/// A name server on 127.0.0.1:53 of the calling thread's network (`NetworkNamespace`) that answers as the test says
/// (RFC 1035). Knows A and AAAA.
package final class NameServer: @unchecked Sendable {
  // Sendable: the answers are only touched under the lock, the descriptor is set once.
  /// What to answer.
  package enum Answer: Sendable {
    /// Addresses of both families; an empty list: the name exists and has none.
    case addresses([String])
    /// NXDOMAIN.
    case noSuchName
    /// Nothing for so many seconds, then NXDOMAIN.
    case silence(Double)
  }

  private let descriptor: Int32
  private let lock = NSLock()
  private var answers: [String: Answer] = [:]
  private var asked: [String] = []

  /// Starts to listen; its thread inherits the caller's network.
  package init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    let listening = descriptor
    _ = try LoopbackPort.take(53, for: listening)
    let thread = Thread { [weak self] in
      while true {
        var question = [UInt8](repeating: 0, count: 512)
        var client = [UInt8](repeating: 0, count: 16)
        var size: socklen_t = 16
        let count = client.withUnsafeMutableBytes { area in
          recvfrom(listening, &question, 512, 0, area.assumingMemoryBound(to: sockaddr.self).baseAddress, &size)
        }
        guard count > 12, let self else { return }
        self.serve(Array(question.prefix(count)), client)
      }
    }
    thread.start()
  }

  deinit { stop() }

  /// Stops listening.
  package func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Sets what a name's questions are answered with from now on.
  package func set(_ name: String, _ answer: Answer) { lock.withLock { answers[name] = answer } }

  /// The names asked for so far, in order, each question counted.
  package var questions: [String] { lock.withLock { asked } }

  private func serve(_ question: [UInt8], _ client: [UInt8]) {
    var labels: [String] = []
    var index = 12
    while index < question.count, question[index] > 0 {
      let end = index + 1 + Int(question[index])
      guard end < question.count else { return }
      labels.append(String(decoding: question[(index + 1)..<end], as: UTF8.self))
      index = end
    }
    guard index + 5 <= question.count else { return }
    let name = labels.joined(separator: ".").lowercased()
    let isIPv6 = question[index + 2] == 28
    let answer = lock.withLock { () -> Answer in
      asked.append(name)
      return answers[name] ?? .noSuchName
    }
    let head = Array(question[..<2])
    let body = Array(question[12..<(index + 5)])
    switch answer {
    case .noSuchName: send(head + [0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0] + body, client)
    case .silence(let seconds):
      let thread = Thread { [self] in
        usleep(UInt32(seconds * 1_000_000))
        self.send(head + [0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0] + body, client)
      }
      thread.start()
    case .addresses(let list):
      let records = list.filter { $0.contains(":") == isIPv6 }.map { text -> [UInt8] in
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes)
        return [0xC0, 12, 0, isIPv6 ? 28 : 1, 0, 1, 0, 0, 0, 0, 0, UInt8(bytes.count)] + bytes
      }
      send(head + [0x81, 0x80, 0, 1, 0, UInt8(records.count), 0, 0, 0, 0] + body + records.joined(), client)
    }
  }

  private func send(_ bytes: [UInt8], _ client: [UInt8]) {
    _ = client.withUnsafeBytes { address in
      sendto(descriptor, bytes, bytes.count, 0, address.assumingMemoryBound(to: sockaddr.self).baseAddress, 16)
    }
  }
}
