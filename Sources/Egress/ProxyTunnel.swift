package import Secrets

/// The client's side of `CONNECT` (RFC 9110 §9.3.6): what to send to a proxy, and what to make of its answer. A pure machine
/// without socket or clock; its owner keeps the deadline.
///
/// The answer is taken byte-exact: the first byte after the blank line belongs to the tunnel.
package struct ProxyTunnel {
  /// What the bytes so far amount to.
  package enum Progress: Sendable, Hashable {
    /// The answer is not complete yet.
    case incomplete
    /// The tunnel stands. So many of the bytes given last belong to it already.
    case established(leftover: Int)
    /// The proxy refused, or is none.
    case failed(EgressError)
  }

  /// The most bytes of header that a proxy may send, interim responses included.
  package static let headerLimit = 16 << 10
  /// The most bytes of a refusal's body that are looked at.
  private static let bodyLimit = 2 << 10

  private let proxy: String
  private let destination: String
  private let hasCredentials: Bool
  private let redactor = Redactor()
  private var header: [UInt8] = []
  private var lineStart = 0
  private var received = 0

  /// The request, credentials included: it lives in protected memory.
  package let request: SharedSecret

  /// Prepares the request. The name goes to the proxy as it is, so that the proxy's own rules apply to it and nothing is
  /// resolved here.
  ///
  /// - Parameters:
  ///   - host: name or literal of the destination; IPv6 without brackets. Must have passed the `EgressPolicy`.
  ///   - proxy: host and port of the proxy, for messages.
  ///   - authorization: from `ProxyCredentials.authorization()`.
  /// - Throws: `EgressError.malformedSetting` for a host that is no name and no address: it could forge header lines.
  package init(
    toHost host: String, port: Int, proxy: String, authorization: SharedSecret? = nil
  ) throws(EgressError) {
    guard NetworkAddress(host) != nil || HostName.isPlausible(host) else {
      throw EgressError(
        .malformedSetting, "'\(HostName.shown(host))' is no name and no address: the proxy is not asked")
    }
    self.proxy = proxy
    let literal = host.contains(":") && !host.hasPrefix("[")
    destination = literal ? "[\(host.split(separator: "%").first ?? "")]:\(port)" : "\(host):\(port)"
    hasCredentials = authorization != nil
    let head = "CONNECT \(destination) HTTP/1.1\r\nHost: \(destination)\r\nUser-Agent: sallyport\r\n"
    guard let authorization else {
      request = SharedSecret(copying: "\(head)\r\n".utf8)
      return
    }
    // A proxy that sends the credentials back must not get them into a message.
    redactor.register(authorization)
    redactor.register(unsafe authorization.withBytes { unsafe SharedSecret(copying: $0.dropFirst(6)) })
    request = unsafe authorization.withBytes { value in
      let before = Array("\(head)Proxy-Authorization: ".utf8)
      let after = Array("\r\n\r\n".utf8)
      let length = before.count + value.count
      return SharedSecret(
        copying: (0..<length + 4).lazy.map { index in
          if index < before.count { return before[index] }
          return index < length ? unsafe value[index - before.count] : after[index - length]
        })
    }
  }

  /// Takes bytes of the proxy's answer. After `established` or `failed` it is not to be called again.
  package mutating func receive(_ bytes: ArraySlice<UInt8>) -> Progress {
    for index in bytes.indices {
      received += 1
      guard received <= Self.headerLimit else {
        return .failed(fault("sent more than \(Self.headerLimit) bytes of header: is this port an HTTP proxy?"))
      }
      header.append(bytes[index])
      if header.count <= 5, !"HTTP/".utf8.starts(with: header) { return .failed(noHTTP(bytes[(index + 1)...])) }
      guard bytes[index] == UInt8(ascii: "\n") else { continue }
      let line = header[lineStart..<(header.count - 1)]
      lineStart = header.count
      guard line.isEmpty || line.elementsEqual([UInt8(ascii: "\r")]) else { continue }
      let rest = bytes[(index + 1)...]
      guard let (status, reason) = statusLine() else { return .failed(noHTTP(rest)) }
      switch status {
      case 100...199:
        (header, lineStart) = ([], 0)
      case 200...299: return .established(leftover: rest.count)
      default: return .failed(refusal(status, reason, body: rest.prefix(Self.bodyLimit)))
      }
    }
    return .incomplete
  }

  /// The proxy has closed the connection before its answer was complete.
  package func ended() -> EgressError {
    fault(
      received == 0
        ? "closed the connection without an answer to CONNECT: is it an HTTP proxy, and does it admit this client?"
        : "closed the connection in the middle of its answer")
  }

  // MARK: Judging the answer

  /// Status and reason of `HTTP/1.x NNN reason`.
  private func statusLine() -> (status: Int, reason: String)? {
    guard let end = header.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    let parts = header[..<end].split(separator: UInt8(ascii: " "), maxSplits: 2)
    guard parts.count >= 2, [Array("HTTP/1.1".utf8), Array("HTTP/1.0".utf8)].contains(Array(parts[0])) else {
      return nil
    }
    let code = parts[1].filter { $0 != UInt8(ascii: "\r") }
    guard code.count == 3, code.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    let status = code.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    return (status, parts.count > 2 ? shown(parts[2], limit: 80) : "")
  }

  private func refusal(_ status: Int, _ reason: String, body: ArraySlice<UInt8>) -> EgressError {
    var said = "\(status)"
    if !reason.isEmpty { said += " \(reason)" }
    // What the proxy says for machines (RFC 9209, squid) tells more than its page for people.
    let excerpt = field("proxy-status") ?? field("x-squid-error") ?? excerpt(body)
    if !excerpt.isEmpty, excerpt != reason { said += " (\(excerpt))" }
    let (code, advice) = judgement(status)
    return EgressError(code, "the proxy \(proxy) said \(said) to CONNECT \(destination): \(advice)")
  }

  private func judgement(_ status: Int) -> (EgressError.Code, String) {
    switch status {
    case 401, 407:
      if !offersBasic {
        return (.proxyCredentials, "it asks for a way of authentication other than Basic, which is not supported")
      }
      return hasCredentials
        ? (.proxyCredentials, "it does not accept the user and password it was given: correct them")
        : (.proxyCredentials, "it wants a user and password: give them with the proxy's address")
    case 403, 405:
      return (.proxyForbids, "its rules do not let this destination pass: have its operator admit it, or use NO_PROXY")
    case 500...599:
      return (.proxyUnavailable, "it could not reach the destination: check the name, and what the proxy may reach")
    default:
      return (.proxyForbids, "it does not make a tunnel: check that this is the proxy's address")
    }
  }

  /// Whether a demand for credentials accepts Basic; true too when the proxy names no scheme at all.
  private var offersBasic: Bool {
    let demands = lines(of: "proxy-authenticate") + lines(of: "www-authenticate")
    return demands.isEmpty || demands.contains { String(decoding: $0, as: UTF8.self).lowercased().contains("basic") }
  }

  /// The values of a header field, whose name is given in lower case.
  private func lines(of name: String) -> [ArraySlice<UInt8>] {
    header.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let lower = line.prefix(name.utf8.count + 1).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
      return lower.elementsEqual("\(name):".utf8) ? line.dropFirst(lower.count) : nil
    }
  }

  private func field(_ name: String) -> String? {
    lines(of: name).first.map { shown($0, limit: 80) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  private func noHTTP(_ rest: ArraySlice<UInt8>) -> EgressError {
    let start = header + rest.prefix(60)
    if start.first == 0x15 || start.first == 0x16 {
      return fault("answered in TLS: write its address with https://, or use its plain HTTP port")
    }
    return fault("does not speak HTTP/1: it answered '\(shown(start[...], limit: 60))'")
  }

  private func fault(_ what: String) -> EgressError {
    EgressError(.proxyProtocol, "the proxy \(proxy) \(what)")
  }

  // MARK: Words of the proxy in our messages

  /// The title of an HTML page, or the first words of a text.
  private func excerpt(_ body: ArraySlice<UInt8>) -> String {
    let lower = body.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    guard lower.contains(UInt8(ascii: "<")) else { return shown(body, limit: 80) }
    let mark = Array("<title>".utf8)
    guard let tag = lower.indices.first(where: { lower[$0...].starts(with: mark) }) else { return "" }
    let title = body.dropFirst(tag + mark.count)
    return shown(title.prefix { $0 != UInt8(ascii: "<") }, limit: 80)
  }

  /// Bytes of the proxy on one line: printable ASCII, single spaces, no known secret, at most `limit` characters.
  private func shown(_ bytes: ArraySlice<UInt8>, limit: Int) -> String {
    let words = String(decoding: bytes.map { (0x21..<0x7F).contains($0) ? $0 : 0x20 }, as: UTF8.self)
      .split(separator: " ").joined(separator: " ")
    let text = redactor.redact(words)
    return text.count > limit ? text.prefix(limit) + "..." : text
  }
}
