import Foundation
import Glibc

/// Real HTTP proxies on a free port of this machine, which make tunnels by CONNECT.
package struct TestProxy: Sendable {
  /// The user that both proxies ask for.
  package static let user = "u"
  /// Not a secret: it opens nothing but a throw-away proxy. A colon and a space are in it on purpose.
  package static let password = "pa:ss canary-word"

  package let port: Int
  package let peer: BackgroundPeer
  package let folder: TemporaryFolder

  package init(port: Int, peer: BackgroundPeer, folder: TemporaryFolder) {
    self.port = port
    self.peer = peer
    self.folder = folder
  }

  /// Its address without credentials.
  package var address: String { "http://127.0.0.1:\(port)" }
  /// Its address with the right credentials, percent-encoded.
  package var addressWithCredentials: String { "http://u:pa:ss%20canary-word@127.0.0.1:\(port)" }

  /// What the proxy has noted about requests so far.
  package var accessLog: String { (try? String(contentsOfFile: folder.file("access.log"), encoding: .utf8)) ?? "" }

  /// Starts squid, which wants credentials (407 without or with wrong ones) and admits some ports only (403).
  package static func squid(admitting ports: [Int]) throws -> TestProxy {
    let port = try LoopbackPort.free()
    let folder = try TemporaryFolder("sallyport-squid")
    // squid drops root's rights and must still be able to write its log.
    chmod(folder.path, 0o777)
    let hash = try PeerProcess.run("/usr/bin/openssl", ["passwd", "-apr1", password])
    try folder.write("pw", "\(user):\(hash)")
    let configuration = try folder.write(
      "squid.conf",
      """
      http_port 127.0.0.1:\(port)
      pid_filename none
      access_log stdio:\(folder.file("access.log"))
      cache_log \(folder.file("cache.log"))
      cache deny all
      cache_mem 8 MB
      coredump_dir \(folder.path)
      visible_hostname proxy.test
      pinger_enable off
      shutdown_lifetime 0 seconds
      auth_param basic program /usr/lib/squid/basic_ncsa_auth \(folder.file("pw"))
      auth_param basic children 1 startup=1 idle=1
      auth_param basic credentialsttl 1 second
      acl auth proxy_auth REQUIRED
      acl okport port \(ports.map(String.init).joined(separator: " "))
      http_access deny CONNECT !okport
      http_access allow auth
      http_access deny all

      """)
    let peer = try BackgroundPeer("squid", ["-N", "-f", configuration], folder: folder.path)
    try peer.waitForPort(port, seconds: 60)
    return TestProxy(port: port, peer: peer, folder: folder)
  }

  /// Starts tinyproxy, which answers 401 to wrong credentials and closes tunnels after `timeout` seconds of silence.
  package static func tinyproxy(
    admitting ports: [Int], timeout: Int = 600, isOpen: Bool = false
  ) throws -> TestProxy {
    let port = try LoopbackPort.free()
    let folder = try TemporaryFolder("sallyport-tinyproxy")
    chmod(folder.path, 0o777)
    let lines =
      [
        "Port \(port)", "Listen 127.0.0.1", "Timeout \(timeout)", "MaxClients 100",
        "LogFile \"\(folder.file("access.log"))\"",
      ]
      + ports.map { "ConnectPort \($0)" } + (isOpen ? [] : ["BasicAuth \(user) plain-canary-word"])
    let configuration = try folder.write("tinyproxy.conf", lines.joined(separator: "\n") + "\n")
    let peer = try BackgroundPeer("tinyproxy", ["-d", "-c", configuration], folder: folder.path)
    try peer.waitForPort(port, seconds: 60)
    return TestProxy(port: port, peer: peer, folder: folder)
  }

  /// Starts stunnel before a proxy, so that it is spoken to in TLS; its host's certificate is what is given.
  package static func secured(_ proxy: TestProxy, _ pair: TestCertificates.Pair) throws -> TestProxy {
    let port = try LoopbackPort.free()
    let configuration = try proxy.folder.write(
      "stunnel-\(port).conf",
      """
      foreground=yes
      pid=
      [s]
      accept=127.0.0.1:\(port)
      connect=127.0.0.1:\(proxy.port)
      cert=\(pair.certificate)
      key=\(pair.key)

      """)
    let peer = try BackgroundPeer("stunnel4", [configuration], folder: proxy.folder.path)
    try peer.waitForPort(port)
    return TestProxy(port: port, peer: peer, folder: proxy.folder)
  }

  /// Starts a proxy that leads every tunnel to one port of this machine, whatever it was asked for: a man in the middle.
  package static func diverting(to port: Int) throws -> TestProxy {
    let own = try LoopbackPort.free()
    let folder = try TemporaryFolder("sallyport-diverting")
    let script = """
      import socket, sys, threading
      own, other = int(sys.argv[1]), int(sys.argv[2])
      l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
      l.bind(('127.0.0.1', own)); l.listen(64)
      def pump(a, b):
          try:
              while True:
                  d = a.recv(65536)
                  if not d: break
                  b.sendall(d)
          except OSError: pass
          try: b.shutdown(socket.SHUT_WR)
          except OSError: pass
      def serve(c):
          d = b''
          while b'\\r\\n\\r\\n' not in d:
              more = c.recv(4096)
              if not more: return
              d += more
          print(d.split(b'\\r\\n')[0].decode(), flush=True)
          c.sendall(b'HTTP/1.0 200 Connection established\\r\\n\\r\\n')
          s = socket.create_connection(('127.0.0.1', other))
          threading.Thread(target=pump, args=(s, c), daemon=True).start()
          pump(c, s)
      while True:
          c, _ = l.accept()
          threading.Thread(target=serve, args=(c,), daemon=True).start()
      """
    let peer = try BackgroundPeer("/usr/bin/python3", ["-c", script, "\(own)", "\(port)"], folder: folder.path)
    try peer.waitForPort(own, seconds: 60)
    return TestProxy(port: own, peer: peer, folder: folder)
  }
}
