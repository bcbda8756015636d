/// The variables of the way out.
extension Setting {
  static let egressAllow = Setting(
    "SALLYPORT_EGRESS_ALLOW", .network, .text, example: "scheduler.example:7233,10.0.0.0/8:5432",
    "The only destinations that may be dialed: `host:port`, `*.suffix:port`, `10.0.0.0/8:5432`, `[2001:db8::]/32:443`, "
      + "`host:*`, `unix:/path`, between commas. Unset: every destination. See “The way out”.")
  static let proxy = Setting(
    "SALLYPORT_PROXY", .network, .text, example: "http://proxy.example:3128", isSecret: true,
    "HTTP proxy for the connection to the scheduler: `http://[user[:password]@]host:port`, `https://…` for TLS to the proxy "
      + "itself, or `off` to ignore `HTTPS_PROXY`. It never applies to PostgreSQL.")
  static let httpsProxy = Setting(
    "HTTPS_PROXY", .network, .text, example: "http://proxy.example:3128", isSecret: true, aliases: ["https_proxy"],
    "The same under the name that other programs use; `SALLYPORT_PROXY` wins. Also read as `https_proxy`.")
  static let noProxy = Setting(
    "NO_PROXY", .network, .text, example: ".svc.cluster.local,10.0.0.0/8", aliases: ["no_proxy"],
    "Hosts dialed without the proxy: names with what lies below them, `.suffix`, addresses, ranges, each with an optional "
      + "port, or `*`. This machine never needs an entry. Also read as `no_proxy`.")
  static let proxyPassword = Setting(
    "SALLYPORT_PROXY_PASSWORD", .network, .text, example: "the password of the proxy's user", isSecret: true,
    "The password for the user in the proxy's address. A file is read again for every connection.")

  static let http2StreamWindow = Setting(
    "SALLYPORT_HTTP2_STREAM_WINDOW_MIB", .network, .integer(1...1024), standard: "16",
    "What the scheduler may send of one answer before it is taken up, at most, in MiB; the window grows to it with the path's "
      + "need. Less saves memory, more helps over long distances.")
  static let http2ConnectionWindow = Setting(
    "SALLYPORT_HTTP2_CONNECTION_WINDOW_MIB", .network, .integer(1...1024), standard: "32",
    "The same for all answers on a connection together.")

  static let proxyCA = Setting(
    "SALLYPORT_PROXY_CA", .network, .fileOrFolder, example: "/certs/proxy-ca.crt",
    "PEM file, or a folder of them, of the authorities that may vouch for an `https://` proxy; the system's are then not "
      + "trusted for it. Read again for every connection.")
  static let schedulerConnections = Setting(
    "SALLYPORT_SCHEDULER_CONNECTIONS", .network, .integer(1...16), standard: "4",
    "Most connections to the scheduler that carry calls at once. One does, unless a gateway admits fewer streams on it than "
      + "there are polls (and a fifth, at least two, for other calls); beyond the limit polls take turns, with a warning."
  )

  static let networkSettings: [Setting] = [
    egressAllow, proxy, httpsProxy, noProxy, proxyPassword, proxyCA, schedulerConnections, http2StreamWindow,
    http2ConnectionWindow,
  ]
}
