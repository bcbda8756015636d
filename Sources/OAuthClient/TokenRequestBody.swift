internal import Secrets

/// The form that asks for a token (RFC 6749 §4.4.2), and the ways in which the client proves who it is.
///
/// Composed in protected memory from lazy sequences: the secret's bytes are never in an array or a string of their own.
enum TokenRequestBody {
  /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer` (RFC 7523 §2.2).
  static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

  /// One field of the form.
  enum Value {
    case text(String)
    case secret(SharedSecret)
  }

  /// The form as `application/x-www-form-urlencoded`.
  static func form(_ fields: [(name: String, value: Value)]) -> SharedSecret {
    compose(
      fields.enumerated().flatMap { index, field -> [Part] in
        [.plain((index == 0 ? "" : "&") + field.name + "="), .encoded(field.value)]
      })
  }

  /// The value of `Authorization` for HTTP Basic: both halves are form-encoded before they are joined (RFC 6749 §2.3.1).
  static func basic(identifier: String, secret: SharedSecret) -> SharedSecret {
    let pair = compose([.encoded(.text(identifier)), .plain(":"), .encoded(.secret(secret))])
    return unsafe pair.withBytes { bytes in
      SharedSecret(copying: unsafe ["Basic ".utf8.eraseToBytes(), Base64Sequence(bytes).eraseToBytes()].joined())
    }
  }

  private enum Part {
    case plain(String)
    case encoded(Value)
  }

  private static func compose(_ parts: [Part]) -> SharedSecret {
    lend(parts[...], [])
  }

  /// Borrows the bytes of one secret after the other, since each is lent for the time of a call only.
  private static func lend(_ parts: ArraySlice<Part>, _ lent: [AnySequence<UInt8>]) -> SharedSecret {
    guard let part = parts.first else { return SharedSecret(copying: lent.joined()) }
    let rest = parts.dropFirst()
    switch part {
    case .plain(let text): return lend(rest, lent + [text.utf8.eraseToBytes()])
    case .encoded(.text(let text)): return lend(rest, lent + [FormEncoded(Array(text.utf8)).eraseToBytes()])
    case .encoded(.secret(let secret)):
      return unsafe secret.withBytes { bytes in
        unsafe lend(rest, lent + [FormEncoded(bytes).eraseToBytes()])
      }
    }
  }
}

extension Sequence where Element == UInt8 {
  fileprivate func eraseToBytes() -> AnySequence<UInt8> { AnySequence(self) }
}

/// Bytes as `application/x-www-form-urlencoded` writes them: letters, digits and `-._~` stay, the rest is `%XX`.
struct FormEncoded<Bytes: Sequence>: Sequence, IteratorProtocol where Bytes.Element == UInt8 {
  private var source: Bytes.Iterator
  private var pending: (UInt8, UInt8)?
  private var second: UInt8?

  /// Reads the bytes once.
  init(_ bytes: Bytes) { source = bytes.makeIterator() }

  mutating func next() -> UInt8? {
    if let (high, low) = pending {
      pending = nil
      second = low
      return high
    }
    if let low = second {
      second = nil
      return low
    }
    guard let byte = source.next() else { return nil }
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      return byte
    default:
      pending = (Self.digit(byte >> 4), Self.digit(byte & 15))
      return UInt8(ascii: "%")
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
  }
}

/// Bytes in base64 with padding (RFC 4648 §4).
struct Base64Sequence<Bytes: Sequence>: Sequence, IteratorProtocol where Bytes.Element == UInt8 {
  private var source: Bytes.Iterator
  private var bits: UInt32 = 0
  private var bitCount = 0
  private var written = 0
  private var hasEnded = false

  /// Reads the bytes once.
  init(_ bytes: Bytes) { source = bytes.makeIterator() }

  mutating func next() -> UInt8? {
    if bitCount < 6, !hasEnded {
      if let byte = source.next() {
        bits = bits << 8 | UInt32(byte)
        bitCount += 8
      } else {
        hasEnded = true
      }
    }
    if bitCount >= 6 {
      bitCount -= 6
      return emit(bits >> UInt32(bitCount) & 63)
    }
    if bitCount > 0 {
      let last = bits << UInt32(6 - bitCount) & 63
      bitCount = 0
      return emit(last)
    }
    guard written % 4 != 0 else { return nil }
    written += 1
    return UInt8(ascii: "=")
  }

  private mutating func emit(_ value: UInt32) -> UInt8 {
    written += 1
    let value = UInt8(truncatingIfNeeded: value)
    switch value {
    case 0..<26: return UInt8(ascii: "A") + value
    case 26..<52: return UInt8(ascii: "a") + value - 26
    case 52..<62: return UInt8(ascii: "0") + value - 52
    case 62: return UInt8(ascii: "+")
    default: return UInt8(ascii: "/")
    }
  }
}
