import CLinux
import Glibc

/// Reads whole files of bounded size.
enum FileBytes {
  struct Fault: Error {
    var message: String
  }

  static func read(_ path: String, limit: Int) throws(Fault) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Fault(message: "cannot open") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, sly_errno() == EINTR { continue }
      guard count >= 0 else { throw Fault(message: "cannot read") }
      guard count > 0 else { return bytes }
      guard bytes.count + count <= limit else { throw Fault(message: "larger than the limit of \(limit) bytes") }
      bytes += buffer[..<count]
    }
  }
}
