import Foundation

/// A TLS server that speaks a little HTTP/2 and then breaks off in a way that no honest server does. Runs in Python,
/// whose in-memory TLS leaves the socket to the script.
package struct TLSPeer: Sendable {
  /// How it breaks off, once it has read a request's head.
  package enum Ending: String, Sendable {
    /// Sends half a response and closes TCP without a word of TLS.
    case truncate
    /// Sends a fatal alert (20, bad_record_mac) and resets TCP at once, while the client is still writing.
    case alertAndReset
  }

  package let port: Int
  package let peer: BackgroundPeer
  private let folder: TemporaryFolder

  /// Starts the server; it serves every connection alike.
  package init(_ ending: Ending, _ pair: TestCertificates.Pair) throws {
    port = try LoopbackPort.free()
    folder = try TemporaryFolder("sallyport-tlspeer")
    let script = try folder.write("peer.py", Self.script)
    peer = try BackgroundPeer(
      "python3", [script, ending.rawValue, "\(port)", pair.certificate, pair.key], folder: folder.path)
    try peer.waitForPort(port)
  }

  private static let script = #"""
    import socket, ssl, struct, sys, threading, time
    ending, port, certificate, key = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])

    def frame(kind, flags=0, stream=0, payload=b""):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    class Connection:
        def __init__(self, raw):
            self.raw, self.incoming, self.outgoing, self.buffer = raw, ssl.MemoryBIO(), ssl.MemoryBIO(), b""
            self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

        def flush(self):
            data = self.outgoing.read()
            if data:
                self.raw.sendall(data)

        def step(self, action):
            while True:
                try:
                    result = action()
                    self.flush()
                    return result
                except ssl.SSLWantReadError:
                    self.flush()
                    data = self.raw.recv(65536)
                    if not data:
                        raise EOFError
                    self.incoming.write(data)

        def read(self, count):
            while len(self.buffer) < count:
                more = self.step(lambda: self.tls.read(65536))
                if not more:
                    raise EOFError
                self.buffer += more
            part, self.buffer = self.buffer[:count], self.buffer[count:]
            return part

        def write(self, data):
            self.step(lambda: self.tls.write(data))

        def serve(self):
            self.step(self.tls.do_handshake)
            self.write(frame(4))
            self.read(24)
            while True:
                head = self.read(9)
                payload = self.read(int.from_bytes(head[:3], "big"))
                if head[3] == 4 and not head[4] & 1:
                    self.write(frame(4, 1))
                if head[3] == 1:
                    break
            stream = int.from_bytes(head[5:9], "big")
            if ending == "truncate":
                fields = b"\x88" + b"\x00\x0ccontent-type\x10application/grpc"
                self.write(frame(1, 4, stream, fields) + frame(0, 0, stream, b"\x00\x00\x00\x00\x64" + b"half a message"))
                self.raw.shutdown(socket.SHUT_WR)
                time.sleep(0.2)
                return
            # Bytes that are no record of the client's; when they fall into the middle of one, its rest must come first.
            self.incoming.write(b"\x17\x03\x03\x00\x20" + bytes(32))
            while True:
                try:
                    self.tls.read(65536)
                except ssl.SSLWantReadError:
                    self.incoming.write(self.raw.recv(65536))
                except ssl.SSLError:
                    break
            self.flush()
            self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def run(raw):
        try:
            Connection(raw).serve()
        except (EOFError, OSError):
            pass
        finally:
            raw.close()

    listener = socket.create_server(("127.0.0.1", port))
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=run, args=(raw,), daemon=True).start()
    """#
}

/// A relay that lets a TLS server begin its answer and then lets nothing more through.
package enum StallingRelay {
  /// Starts it in front of a port.
  ///
  /// - Parameter bytes: how much of the server's first flight passes: with 100, the better part of the ServerHello.
  package static func start(before port: Int, bytes: Int) throws -> RawServer {
    try RawServer { connection in
      let head = try connection.read(5)
      let hello = try head + connection.read(Int(head[3]) << 8 | Int(head[4]))
      let server = try RawConnection.dial(port)
      defer { server.close() }
      try server.write(hello)
      try connection.write(server.read(bytes))
      try connection.drain()
    }
  }
}

extension RawConnection {
  /// Connects to a port of this machine.
  package static func dial(_ port: Int) throws -> RawConnection {
    RawConnection(try LoopbackPort.dial(port))
  }
}
