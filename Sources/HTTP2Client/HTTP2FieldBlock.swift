internal import CLinux
internal import CNghttp2
internal import Secrets

/// Lays out the fields of a request as nghttp2 takes them.
enum HTTP2FieldBlock {
  /// Calls `body` with an array of name-value pairs that live for the call. The bytes are wiped afterwards.
  static func withNameValues<R>(of fields: [HTTP2Field], _ body: (UnsafePointer<nghttp2_nv>?, Int) -> R) -> R {
    var bytes: [UInt8] = []
    // Reserved beforehand: a growing array would leave copies of a secret behind.
    bytes.reserveCapacity(fields.reduce(0) { $0 + $1.name.utf8.count + $1.byteCount })
    for field in fields {
      bytes.append(contentsOf: field.name.utf8)
      switch field.value {
      case .text(let text): bytes.append(contentsOf: text.utf8)
      case .secret(let secret): unsafe secret.withBytes { unsafe bytes.append(contentsOf: $0) }
      }
    }
    return unsafe bytes.withUnsafeMutableBytes { area in
      guard let base = area.baseAddress else { return body(nil, 0) }
      defer { unsafe explicit_bzero(base, area.count) }
      let start = unsafe base.assumingMemoryBound(to: UInt8.self)
      var offset = 0
      let values = unsafe fields.map { field -> nghttp2_nv in
        let (nameCount, valueCount) = (field.name.utf8.count, field.byteCount)
        defer { offset += nameCount + valueCount }
        return unsafe nghttp2_nv(
          name: start + offset, value: start + offset + nameCount, namelen: nameCount, valuelen: valueCount,
          flags: UInt8(field.isSecret ? NGHTTP2_NV_FLAG_NO_INDEX.rawValue : NGHTTP2_NV_FLAG_NONE.rawValue))
      }
      return unsafe values.withUnsafeBufferPointer { unsafe body($0.baseAddress, $0.count) }
    }
  }
}

extension HTTP2Field {
  /// Bytes of the value.
  fileprivate var byteCount: Int {
    switch value {
    case .text(let text): text.utf8.count
    case .secret(let secret): secret.count
    }
  }

  fileprivate var isSecret: Bool {
    if case .secret = value { return true }
    return false
  }
}
