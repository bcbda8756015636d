internal import CProtobufC

/// One pass over received bytes, before protobuf-c sees them.
///
/// protobuf-c recurses without a bound, cuts text at a NUL and does not look at UTF-8. This pass walks the same fields
/// with the same descriptors, and accepts only what protobuf-c reads the same way: it bounds size, depth and number of
/// elements, and checks every text. Protobuf encoding: https://protobuf.dev/programming-guides/encoding
///
/// One legal form is refused: a single submessage that comes in several pieces. No encoder writes it; protobuf-c merges
/// the pieces in quadratic time, and fails on some.
struct WireCheck {
  private static let longestTag = 5
  private static let longestLength = 5
  private static let longestVarint = 10

  private let limits: WireLimits
  private var elements = 0

  init(limits: WireLimits) {
    self.limits = limits
  }

  /// Checks a whole message.
  mutating func run(
    _ wire: [UInt8], as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(WireError) {
    guard wire.count <= limits.wireBytes else {
      throw WireError(.limit("wireBytes"), "the message has \(wire.count) bytes, over \(limits.wireBytes)")
    }
    let scope = unsafe Scope(descriptor: descriptor, depth: 1)
    try message(wire.span, 0, wire.count, scope)
  }

  /// The message being walked.
  @safe private struct Scope {
    let descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    let depth: Int

    func error(_ code: WireError.Code, at offset: Int, field: Field? = nil, _ reason: String) -> WireError {
      unsafe WireError(
        code, message: String(cString: descriptor.pointee.name), field: field?.name ?? "", offset: offset, reason)
    }

    func malformed(at offset: Int, _ reason: String) -> WireError {
      error(.malformed, at: offset, reason)
    }
  }

  /// What the check needs of protobuf-c's field descriptor.
  @safe private struct Field {
    @safe enum Kind {
      case text
      case message(UnsafePointer<ProtobufCMessageDescriptor>)
      case varints, other
    }

    let kind: Kind
    /// Place among the fields of the message when the field holds one submessage.
    let single: Int?
    private let pointer: UnsafePointer<ProtobufCFieldDescriptor>

    /// Proto name. Made on demand: it is needed in errors only.
    var name: String { unsafe String(cString: pointer.pointee.name) }

    init?(_ number: UInt32, of scope: Scope) {
      guard let field = unsafe protobuf_c_message_descriptor_get_field(scope.descriptor, number) else { return nil }
      unsafe pointer = unsafe field
      let isSingle =
        unsafe field.pointee.type == PROTOBUF_C_TYPE_MESSAGE && field.pointee.label != PROTOBUF_C_LABEL_REPEATED
      single = isSingle ? unsafe field - scope.descriptor.pointee.fields : nil
      switch unsafe field.pointee.type {
      case PROTOBUF_C_TYPE_STRING:
        kind = .text
      case PROTOBUF_C_TYPE_MESSAGE:
        guard let target = unsafe field.pointee.descriptor else { return nil }
        kind = unsafe .message(target.assumingMemoryBound(to: ProtobufCMessageDescriptor.self))
      case PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FLOAT,
        PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_DOUBLE:
        kind = .other
      default:
        kind = .varints
      }
    }
  }

  private mutating func message(
    _ wire: Span<UInt8>, _ start: Int, _ end: Int, _ scope: Scope
  ) throws(WireError) {
    guard scope.depth <= limits.depth else {
      throw scope.error(.limit("depth"), at: start, "messages are nested more than \(limits.depth) levels deep")
    }
    var at = start
    var seen: UInt128 = 0
    while at < end {
      let begin = at
      let tag = try varint(wire, &at, end, Self.longestTag, scope)
      guard tag >> 3 > 0, let number = UInt32(exactly: tag >> 3), tag <= UInt64(UInt32.max) else {
        throw scope.malformed(at: begin, "no such field number")
      }
      try count(1, at: begin, scope)
      switch tag & 7 {
      case 0:
        _ = try varint(wire, &at, end, Self.longestVarint, scope)
      case 1:
        try skip(8, &at, end, scope)
      case 5:
        try skip(4, &at, end, scope)
      case 2:
        let length = try varint(wire, &at, end, Self.longestLength, scope)
        guard length <= UInt64(end - at) else {
          throw scope.malformed(at: begin, "a length goes beyond the end")
        }
        if let field = Field(number, of: scope) {
          if let place = field.single {
            guard place < UInt128.bitWidth, seen & (1 << UInt128(place)) == 0 else {
              throw scope.error(.malformed, at: begin, field: field, "a single submessage comes in pieces")
            }
            seen |= 1 << UInt128(place)
          }
          try contents(wire, at, at + Int(length), field, scope)
        }
        at += Int(length)
      default:
        throw scope.malformed(at: begin, "wire type \(tag & 7) is not in use")
      }
    }
  }

  /// The contents of a length-delimited field.
  private mutating func contents(
    _ wire: Span<UInt8>, _ start: Int, _ end: Int, _ field: Field, _ scope: Scope
  ) throws(WireError) {
    switch field.kind {
    case .text:
      try text(wire, start, end, field, scope)
    case .message(let descriptor):
      unsafe try message(wire, start, end, Scope(descriptor: descriptor, depth: scope.depth + 1))
    case .varints:
      var at = start
      while at < end {
        try count(1, at: at, scope)
        _ = try varint(wire, &at, end, Self.longestVarint, scope)
      }
    case .other:
      break
    }
  }

  private func text(
    _ wire: Span<UInt8>, _ start: Int, _ end: Int, _ field: Field, _ scope: Scope
  ) throws(WireError) {
    for index in start..<end where wire[index] == 0 {
      throw scope.error(.innerNUL, at: index, field: field, "text holds a NUL character")
    }
    do {
      _ = try UTF8Span(validating: wire.extracting(start..<end))
    } catch {
      throw scope.error(.invalidText, at: start, field: field, "text is not UTF-8")
    }
  }

  private mutating func count(_ more: Int, at offset: Int, _ scope: Scope) throws(WireError) {
    elements += more
    guard elements <= limits.elements else {
      throw scope.error(.limit("elements"), at: offset, "the message has more than \(limits.elements) elements")
    }
  }

  private func skip(_ size: Int, _ at: inout Int, _ end: Int, _ scope: Scope) throws(WireError) {
    guard end - at >= size else { throw scope.malformed(at: at, "a number is cut short") }
    at += size
  }

  private func varint(
    _ wire: Span<UInt8>, _ at: inout Int, _ end: Int, _ longest: Int, _ scope: Scope
  ) throws(WireError) -> UInt64 {
    let start = at
    var value: UInt64 = 0
    while at < end, at - start < longest {
      let byte = wire[at]
      value |= UInt64(byte & 0x7f) << UInt64(7 * (at - start))
      at += 1
      if byte < 0x80 { return value }
    }
    throw scope.malformed(at: start, "a number is cut short or too long")
  }
}
