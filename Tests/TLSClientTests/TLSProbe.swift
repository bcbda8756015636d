import Foundation
import Glibc
import TestSupport

@testable import TLSClient

/// Drives a session over a blocking socket, as the event loop would over a waiting one.
enum TLSProbe {
  /// How an attempt ended.
  struct Outcome {
    /// Why it failed; nil: it did not.
    var error: TLSError?
    /// What was agreed on, when the handshake came to its end.
    var report: TLSReport?
    /// The first plaintext that came back.
    var received: [UInt8] = []
    /// The session, for looking into it.
    var session: TLSSession?
  }

  /// A context from files.
  static func context(_ configuration: TLSConfiguration, now: Int64? = nil) throws(TLSError) -> TLSContext {
    let material = try TLSMaterial.read(configuration)
    if let now { return try TLSContext.make(from: material, now: now) }
    return try TLSContext.make(from: material)
  }

  /// Trust in the root of the PKI.
  static func configuration(_ pki: TestPKI, client: TestCertificates.Pair? = nil) -> TLSConfiguration {
    TLSConfiguration(
      trust: .file(pki.root),
      clientIdentity: client.map { .init(certificateFile: $0.certificate, keyFile: $0.key) })
  }

  /// Connects to a port of this machine.
  ///
  /// - Parameters:
  ///   - host: the name that is expected of the server.
  ///   - reads: after the handshake HTTP/2's preface and `request` are sent and the server's bytes waited for.
  ///   - isEnough: whether the bytes that came back suffice.
  static func connect(
    _ port: Int, host: String = "localhost", _ configuration: TLSConfiguration, now: Int64? = nil, reads: Bool = false,
    request: [UInt8] = [], until isEnough: ([UInt8]) -> Bool = { !$0.isEmpty }
  ) throws -> Outcome {
    try connect(
      port, host: host, context: context(configuration, now: now), reads: reads, request: request, until: isEnough)
  }

  /// Connects with a context that is there.
  static func connect(
    _ port: Int, host: String = "localhost", context: TLSContext, reads: Bool = false, request: [UInt8] = [],
    until isEnough: ([UInt8]) -> Bool = { !$0.isEmpty }
  ) throws -> Outcome {
    let descriptor = try dial(port)
    defer { close(descriptor) }
    var outcome = Outcome()
    do throws(TLSError) {
      let session = try TLSSession(context: context, host: host)
      outcome.session = session
      defer { flush(session, descriptor) }
      while try !session.handshake() {
        flush(session, descriptor)
        guard let bytes = receive(descriptor) else { throw TLSError(.truncated, "the peer went away") }
        session.receive(bytes[...])
      }
      outcome.report = session.report
      flush(session, descriptor)
      if reads {
        try session.write(RawFrame.preface + RawFrame.settings() + request)
        flush(session, descriptor)
        while !isEnough(outcome.received) {
          let bytes = try answer(session, descriptor)
          guard !bytes.isEmpty else { break }
          outcome.received += bytes
        }
      }
    } catch {
      outcome.error = error
    }
    return outcome
  }

  private static func answer(_ session: TLSSession, _ descriptor: Int32) throws(TLSError) -> [UInt8] {
    while true {
      switch try session.read() {
      case .bytes(let bytes): return bytes
      case .ended: return []
      case .wouldBlock:
        guard let bytes = receive(descriptor) else { throw TLSError(.truncated, "the peer went away") }
        session.receive(bytes[...])
      }
    }
  }

  private static func dial(_ port: Int) throws -> Int32 {
    let descriptor = try LoopbackPort.dial(port)
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    return descriptor
  }

  private static func flush(_ session: TLSSession, _ descriptor: Int32) {
    let bytes = session.takeCiphertext()
    _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// What has arrived; nil: the end, a break or 20 s of silence.
  private static func receive(_ descriptor: Int32) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? Array(buffer.prefix(count)) : nil
  }
}

/// How many descriptors this process has open.
func openDescriptors() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }
