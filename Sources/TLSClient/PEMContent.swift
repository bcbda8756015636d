/// What a file seems to hold, for messages about files that were mixed up. Looks at headers only and keeps no content.
struct PEMContent: CustomStringConvertible {
  /// The labels of its PEM headers (`CERTIFICATE`, `PRIVATE KEY`), at most eight.
  let labels: [String]
  /// Whether it begins like a binary DER encoding.
  let looksBinary: Bool
  private let isEmpty: Bool

  private static let header = Array("-----BEGIN ".utf8)
  private static let mostLabels = 8
  private static let longestLabel = 40

  /// Looks through the bytes.
  init(_ bytes: UnsafeRawBufferPointer) {
    var labels: [String] = []
    var index = 0
    while labels.count < Self.mostLabels, index + Self.header.count <= bytes.count {
      let isHeader = unsafe bytes[index..<(index + Self.header.count)].elementsEqual(Self.header)
      guard isHeader else {
        index += 1
        continue
      }
      index += Self.header.count
      let rest = unsafe bytes[index...].prefix(Self.longestLabel).prefix { $0 != UInt8(ascii: "-") }
      let isLabel = unsafe rest.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x20 }
      if isLabel { unsafe labels.append(String(decoding: rest, as: UTF8.self)) }
      unsafe index += rest.count
    }
    self.labels = labels
    isEmpty = unsafe bytes.isEmpty
    looksBinary = unsafe labels.isEmpty && bytes.count > 2 && bytes[0] == 0x30
  }

  /// Whether there is a private key of any PEM form.
  var holdsPrivateKey: Bool { labels.contains { $0.hasSuffix("PRIVATE KEY") } }
  /// Whether there is a certificate.
  var holdsCertificate: Bool { labels.contains("CERTIFICATE") || labels.contains("X509 CERTIFICATE") }

  var description: String {
    if let label = labels.first {
      switch label {
      case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE": return "a certificate"
      case "OPENSSH PRIVATE KEY": return "a key in OpenSSH's own format"
      case "PUBLIC KEY", "RSA PUBLIC KEY": return "a public key"
      case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST": return "a request for a certificate"
      case "X509 CRL": return "a revocation list"
      default: return label.hasSuffix("PRIVATE KEY") ? "a private key" : "a PEM block '\(label)'"
      }
    }
    if isEmpty { return "nothing" }
    return looksBinary ? "binary data (DER or PKCS#12)" : "text that is no PEM"
  }

  /// How to make PEM of it, as a continuation of a sentence; empty when there is no general way.
  var advice: String {
    if labels.first == "OPENSSH PRIVATE KEY" { return "; convert it with ssh-keygen -p -m pkcs8" }
    return looksBinary
      ? "; convert DER with `openssl x509 -inform der` or `openssl pkey -inform der`, give PKCS#12 by its own setting"
      : ""
  }
}
