package import Observability
import PlainData

/// The part of HTTP/1.1 that health probes need, on bytes alone: one request, one response, connection closed.
package struct HealthResponder: Sendable {
  /// What a buffer of received bytes amounts to.
  package enum Reading: Sendable, Hashable {
    /// The end of the header block has not come yet.
    case incomplete
    case request(method: String, path: String)
    /// Nothing that can be answered as asked; the status to answer with.
    case refused(status: Int)
  }

  /// The longest header block read, in bytes.
  package static let requestLimit = 8 << 10

  private let report: @Sendable () -> HealthReport
  private let metrics: @Sendable () -> MetricsText

  /// - Parameters:
  ///   - report: the verdict as of now.
  ///   - metrics: further metrics, written after those of the report.
  package init(report: @escaping @Sendable () -> HealthReport, metrics: @escaping @Sendable () -> MetricsText) {
    self.report = report
    self.metrics = metrics
  }

  /// Reads a request from what has come so far.
  package static func read(_ bytes: [UInt8]) -> Reading {
    guard let end = headerEnd(bytes) else {
      return bytes.count >= requestLimit ? .refused(status: 431) : .incomplete
    }
    guard end <= requestLimit else { return .refused(status: 431) }
    let line = bytes.prefix { $0 != 0x0D && $0 != 0x0A }
    let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, !words[0].isEmpty, words[1].first == UInt8(ascii: "/"),
      words[2].elementsEqual("HTTP/1.1".utf8) || words[2].elementsEqual("HTTP/1.0".utf8),
      line.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
    else { return .refused(status: 400) }
    let path = words[1].prefix { $0 != UInt8(ascii: "?") }
    return .request(method: String(decoding: words[0], as: UTF8.self), path: String(decoding: path, as: UTF8.self))
  }

  /// Where the empty line ends, be its line ends CRLF or LF.
  private static func headerEnd(_ bytes: [UInt8]) -> Int? {
    var previous = 0
    for (index, byte) in bytes.enumerated() where byte == 0x0A {
      let line = bytes[previous..<index]
      if index > 0 && (line.isEmpty || line.elementsEqual([0x0D])) && previous > 0 { return index + 1 }
      previous = index + 1
    }
    return nil
  }

  /// The whole response to a reading; empty for an incomplete one.
  package func response(to reading: Reading) -> [UInt8] {
    switch reading {
    case .incomplete: []
    case .refused(let status): HealthResponder.message(status, "text/plain", HealthResponder.reason(status) + "\n")
    case .request(let method, let path): response(method: method, path: path)
    }
  }

  private func response(method: String, path: String) -> [UInt8] {
    guard method == "GET" || method == "HEAD" else {
      return HealthResponder.message(405, "text/plain", "only GET and HEAD\n", extra: "Allow: GET, HEAD\r\n")
    }
    let report = report()
    let (status, type, body) = answer(path, report)
    return HealthResponder.message(status, type, body, withBody: method == "GET")
  }

  private func answer(_ path: String, _ report: HealthReport) -> (status: Int, type: String, body: String) {
    let json = "application/json"
    func verdict(_ isGood: Bool) -> Int { isGood ? 200 : 503 }
    switch path {
    case "/": return (verdict(report.isHealthy), "text/plain", report.isHealthy ? "ok\n" : "stale\n")
    case "/healthz": return (verdict(report.isHealthy), json, report.json.json() + "\n")
    case "/livez": return (verdict(report.isLive), json, report.json.json() + "\n")
    case "/readyz": return (verdict(report.isReady), json, report.json.json() + "\n")
    case "/metrics":
      var text = MetricsText()
      text.add(report)
      text.append(metrics())
      return (200, "text/plain; version=0.0.4; charset=utf-8", text.text)
    default: return (404, "text/plain", "try /healthz, /livez, /readyz or /metrics\n")
    }
  }

  private static func message(
    _ status: Int, _ type: String, _ body: String, withBody: Bool = true, extra: String = ""
  ) -> [UInt8] {
    let head =
      "HTTP/1.1 \(status) \(reason(status))\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n"
      + "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\(extra)Connection: close\r\n\r\n"
    return Array((withBody ? head + body : head).utf8)
  }

  private static func reason(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 400: "Bad Request"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 431: "Request Header Fields Too Large"
    default: "Service Unavailable"
    }
  }
}
