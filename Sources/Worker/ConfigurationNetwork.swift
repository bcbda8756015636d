package import Egress
import OAuthClient
package import Secrets

/// The way out: what may be dialed, and through which proxy.
package struct NetworkConfiguration: Sendable {
  /// What may be dialed, by the connection to the scheduler and by the warehouse's.
  package var egress = EgressPolicy.open
  /// The proxy on the way to the scheduler; nil: none.
  package var proxy: ProxyConfiguration?
  /// Most connections to the scheduler that carry calls at once.
  package var connectionLimit = 4
  /// What the HTTP/2 windows towards the scheduler may grow to, in bytes.
  package var largestStreamWindow: Int32 = 16 << 20, largestConnectionWindow: Int32 = 32 << 20

  /// Reads the variables of the network section. On faults the result is not to be used; `reader.finish()` throws.
  package static func read(_ reader: inout SettingReader) -> NetworkConfiguration {
    var network = NetworkConfiguration(egress: readEgress(&reader), proxy: readProxy(&reader))
    network.connectionLimit = reader.integer(.schedulerConnections) ?? 1
    network.readWindows(&reader)
    return network
  }

  private mutating func readWindows(_ reader: inout SettingReader) {
    func bytes(_ mebibytes: Int?) -> Int32 { Int32(clamping: (mebibytes ?? 1) << 20) }
    largestStreamWindow = bytes(reader.integer(.http2StreamWindow))
    largestConnectionWindow = bytes(reader.integer(.http2ConnectionWindow))
    if largestConnectionWindow < largestStreamWindow {
      reader.fault(
        .http2ConnectionWindow,
        "smaller than SALLYPORT_HTTP2_STREAM_WINDOW_MIB (\(largestStreamWindow >> 20)), the window of one answer on it")
    }
  }

  /// What the warehouse may dial when there is no worker around: `sallyport dbt` reads this one variable only.
  ///
  /// - Throws: `ConfigurationError`, naming the entry that cannot be read.
  package static func egress(of environment: ProcessEnvironment) throws(ConfigurationError) -> EgressPolicy {
    var reader = SettingReader(environment)
    let policy = readEgress(&reader)
    try reader.finish()
    return policy
  }

  /// What `sallyport dbt deps` may dial, and through which proxy, when there is no worker around.
  ///
  /// - Throws: `ConfigurationError`, naming the variables that cannot be read.
  package static func wayOut(of environment: ProcessEnvironment) throws(ConfigurationError) -> NetworkConfiguration {
    var reader = SettingReader(environment)
    let network = NetworkConfiguration(egress: readEgress(&reader), proxy: readProxy(&reader))
    try reader.finish()
    return network
  }

  private static func readEgress(_ reader: inout SettingReader) -> EgressPolicy {
    guard let text = reader.given(.egressAllow) else { return .open }
    do throws(EgressError) {
      return try EgressPolicy(parsing: text)
    } catch {
      reader.fault(.egressAllow, "\(error.message)")
      return .open
    }
  }

  private static func readProxy(_ reader: inout SettingReader) -> ProxyConfiguration? {
    let explicit = reader.secret(.proxy)
    let common = reader.secret(.httpsProxy)
    let password = reader.secret(.proxyPassword)
    let authorities = reader.fileOrFolder(.proxyCA, containing: "-----BEGIN CERTIFICATE-----")
    let bypass = ProxyBypass(parsing: reader.given(.noProxy) ?? "")
    let setting = explicit == nil ? Setting.httpsProxy : .proxy
    let url = explicit ?? common
    if !bypass.unread.isEmpty, url != nil {
      reader.warn("NO_PROXY holds entries of a form that is not known here: \(bypass.unread.joined(separator: ", "))")
    }
    guard let url, let text = try? url.current() else {
      if password != nil { reader.fault(.proxyPassword, "set without SALLYPORT_PROXY or HTTPS_PROXY: unset it") }
      if reader.isSet(.proxyCA) { reader.fault(.proxyCA, "set without SALLYPORT_PROXY or HTTPS_PROXY: unset it") }
      return nil
    }
    if explicit != nil, isOff(text) { return nil }
    do throws(EgressError) {
      var target = try ProxyTarget(parsing: text)
      try add(password, to: &target)
      target.authorities = authorities
      if authorities != nil && !target.isSecure {
        reader.fault(.proxyCA, "set, yet the proxy's address begins with http://: write https://, or unset this")
      }
      return ProxyConfiguration(target: target, bypass: bypass)
    } catch {
      reader.fault(setting, "\(error.message); for example \(setting.name)=\(setting.example)")
      return nil
    }
  }

  private static func isOff(_ text: SharedSecret) -> Bool {
    unsafe text.withBytes { unsafe String(decoding: $0.prefix(8), as: UTF8.self).lowercased() == "off" }
  }

  /// Joins user and password, and keeps the password out of the log.
  private static func add(_ source: SecretSource?, to target: inout ProxyTarget) throws(EgressError) {
    guard let source else {
      if case .fixed(let secret) = target.credentials?.password { Redactor.process.register(secret) }
      return
    }
    guard let user = target.credentials?.user else {
      throw EgressError(.malformedSetting, "names no user for SALLYPORT_PROXY_PASSWORD: write http://user@host:port")
    }
    if case .fixed = target.credentials?.password {
      throw EgressError(.malformedSetting, "holds a password, and SALLYPORT_PROXY_PASSWORD is set too: leave one out")
    }
    let password: ProxyCredentials.Password =
      switch source {
      case .value(let secret): .fixed(secret)
      case .file(let file): .file(file)
      }
    target.credentials = ProxyCredentials(user: user, password: password)
  }
}

extension SchedulerConfiguration {
  /// Adds a fault for each address of the scheduler, the token endpoint, or proxy on the way, that the policy could never
  /// admit: better at the start
  /// than at the first dial.
  func checkEgress(_ reader: inout SettingReader) {
    func check(_ body: () throws(EgressError) -> Void) -> String? {
      do throws(EgressError) {
        try body()
        return nil
      } catch {
        return error.message
      }
    }
    func checkRoute(to host: String, _ port: Int) -> String? {
      check { () throws(EgressError) in
        guard let proxy = network.proxy?.proxy(forHost: host, port: port) else {
          return try network.egress.check(name: host, port: port)
        }
        try network.egress.check(tunnelTo: host, port: port)
        try network.egress.check(name: proxy.host, port: proxy.port)
      }
    }
    for address in [address] + alternatives {
      let fault =
        if let path = address.socketPath {
          check { () throws(EgressError) in try network.egress.check(socket: path) }
        } else {
          checkRoute(to: address.host, address.port)
        }
      if let fault { reader.fault(.egressAllow, "shuts out the scheduler: \(fault)") }
    }
    if let url = oauth?.url, let fault = checkRoute(to: url.host, url.port) {
      reader.fault(.egressAllow, "shuts out the token endpoint: \(fault)")
    }
  }
}
