import Foundation
import Glibc

/// A network of the test's own: the calling thread, and every thread and process it starts from then on, sees other
/// interfaces, routes, ports and name servers than the rest of this process. Needs root; without it the test fails.
///
/// Namespaces belong to threads on Linux (namespaces(7)), so that an event loop's thread can be moved into one while the
/// test stays outside.
package enum NetworkNamespace {
  /// Moves the calling thread into a new network and mount namespace with the loopback interface up.
  ///
  /// - Parameters:
  ///   - commands: further `ip` commands, such as `link add a type veth peer name b`.
  ///   - resolver: the text of `/etc/resolv.conf` in there; nil: as outside.
  package static func enter(_ commands: [String] = [], resolver: String? = nil, folder: TemporaryFolder) throws {
    // Glibc has the functions, but their declarations are hidden from Swift.
    typealias Unshare = @convention(c) (Int32) -> Int32
    guard let symbol = dlsym(nil, "unshare") else { throw PeerError("this C library has no unshare") }
    let (newMounts, newNetwork): (Int32, Int32) = (0x0002_0000, 0x4000_0000)
    guard unsafeBitCast(symbol, to: Unshare.self)(newMounts | newNetwork) == 0 else {
      throw PeerError("no namespace of our own (errno \(errno)): this test must run as root")
    }
    for command in ["link set lo up"] + commands {
      try run("ip", command.split(separator: " ").map(String.init), folder)
    }
    guard let resolver else { return }
    let file = try folder.write("resolv.conf", resolver)
    try run("mount", ["--make-rprivate", "/"], folder)
    try run("mount", ["--bind", file, "/etc/resolv.conf"], folder)
  }

  private static func run(_ program: String, _ arguments: [String], _ folder: TemporaryFolder) throws {
    let peer = try BackgroundPeer(program, arguments, folder: folder.path)
    guard peer.waitForEnd() == 0 else {
      throw PeerError("\(program) \(arguments.joined(separator: " ")): \(peer.log)")
    }
  }
}

/// Every TCP connection that anybody begins on the interfaces of the calling thread's network, seen on the wire: a raw
/// packet socket that notes each SYN without ACK.
package final class PacketCapture: Sendable {
  private let peer: BackgroundPeer

  /// Starts to look, on all interfaces of the calling thread's namespace, and waits until it does.
  package init(folder: TemporaryFolder) throws {
    let script = """
      import socket, sys
      s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
      print('ready', flush=True)
      while True:
          p, where = s.recvfrom(65535)
          if where[2] == socket.PACKET_HOST and where[0] == 'lo': continue
          if where[1] == 0x0800 and p[9] == 6:
              t = p[(p[0] & 15) * 4:]
              host = socket.inet_ntop(socket.AF_INET, p[16:20])
          elif where[1] == 0x86dd and p[6] == 6:
              t = p[40:]
              host = socket.inet_ntop(socket.AF_INET6, p[24:40])
          else: continue
          if t[13] & 0x12 == 2: print('SYN', host, int.from_bytes(t[2:4], 'big'), flush=True)
      """
    peer = try BackgroundPeer("/usr/bin/python3", ["-c", script], folder: folder.path)
    let end = Date().addingTimeInterval(60)
    while !peer.log.contains("ready") {
      guard peer.isRunning, Date() < end else { throw PeerError("no packet capture: \(peer.log)") }
      usleep(20_000)
    }
  }

  /// The destinations of all SYNs seen so far, such as `10.9.0.2 7233`, each once.
  package var destinations: Set<String> {
    Set(peer.log.split(separator: "\n").filter { $0.hasPrefix("SYN ") }.map { String($0.dropFirst(4)) })
  }

  /// Waits until a SYN to a destination has been seen.
  package func waitFor(_ destination: String, seconds: Double = 30) -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      if destinations.contains(destination) { return true }
      usleep(20_000)
    }
    return false
  }

  /// Ends the capture.
  package func stop() { peer.stop() }
}
