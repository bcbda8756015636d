package import PlainData
package import TemporalMessages

/// Changes payloads on their way out and in, such as by encryption. Search attributes never pass through it.
package protocol PayloadCodec: Sendable {
  /// What is sent instead of `payloads`.
  func encode(_ payloads: [Payload]) throws(PayloadError) -> [Payload]

  /// What was sent before it was encoded.
  func decode(_ payloads: [Payload]) throws(PayloadError) -> [Payload]
}

/// Why a payload cannot be read or written. It never holds contents.
package struct PayloadError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was wrong.
  package enum Code: Sendable, Equatable {
    /// The payload names a converter that is not here, or none.
    case unknownEncoding(String)
    /// The data is not what the encoding promises.
    case malformed
    /// The codec failed.
    case codec
  }

  /// What was wrong.
  package let code: Code
  /// A sentence for people.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }
}

/// Plain data as payloads: `json/plain`, and `binary/null` for null, as the official libraries have it.
package struct PayloadConverter: Sendable {
  private static let encodingKey = "encoding"
  private static let null = Array("binary/null".utf8)
  private static let json = Array("json/plain".utf8)

  /// Applied last on the way out and first on the way in.
  package var codec: (any PayloadCodec)?
  /// Bounds on JSON that comes in.
  package var limits = JSONLimits()

  package init(codec: (any PayloadCodec)? = nil) {
    self.codec = codec
  }

  /// One value without the codec: for search attributes.
  package func plainPayload(_ value: PlainValue) -> Payload {
    var payload = Payload()
    if value.isNull {
      payload.metadata[Self.encodingKey] = Self.null
    } else {
      payload.metadata[Self.encodingKey] = Self.json
      payload.data = value.jsonBytes()
    }
    return payload
  }

  /// One value.
  package func payload(_ value: PlainValue) throws(PayloadError) -> Payload {
    let payload = plainPayload(value)
    guard let codec else { return payload }
    let encoded = try codec.encode([payload])
    guard encoded.count == 1, let first = encoded.first else {
      throw PayloadError(.codec, "the codec made \(encoded.count) payloads out of one")
    }
    return first
  }

  /// An argument list or a result. An empty list has no payloads.
  package func payloads(_ values: [PlainValue]) throws(PayloadError) -> Payloads {
    var payloads = Payloads()
    payloads.payloads = values.map(plainPayload)
    if let codec { payloads.payloads = try codec.encode(payloads.payloads) }
    return payloads
  }

  /// The value of one payload.
  package func value(_ payload: Payload) throws(PayloadError) -> PlainValue {
    guard let codec else { return try plainValue(payload) }
    let decoded = try codec.decode([payload])
    guard decoded.count == 1, let first = decoded.first else {
      throw PayloadError(.codec, "the codec made \(decoded.count) payloads out of one")
    }
    return try plainValue(first)
  }

  /// The values of an argument list or a result; absent means none.
  package func values(_ payloads: Payloads?) throws(PayloadError) -> [PlainValue] {
    var list = payloads?.payloads ?? []
    if let codec { list = try codec.decode(list) }
    var values: [PlainValue] = []
    for payload in list { values.append(try plainValue(payload)) }
    return values
  }

  /// The value of one payload that no codec touched.
  package func plainValue(_ payload: Payload) throws(PayloadError) -> PlainValue {
    let encoding = payload.metadata[Self.encodingKey]
    switch encoding {
    case Self.null:
      return .null
    case Self.json:
      do {
        return try PlainValue(json: payload.data, limits: limits)
      } catch {
        throw PayloadError(.malformed, "a json/plain payload is not JSON: \(error)")
      }
    case nil:
      throw PayloadError(.unknownEncoding(""), "a payload does not say how it is encoded; json/plain is expected")
    case let other?:
      let name = String(decoding: other.prefix(100), as: UTF8.self)
      throw PayloadError(
        .unknownEncoding(name),
        "a payload is encoded as \(name); only json/plain and binary/null can be read"
          + (name == "binary/encrypted" ? ": is the payload codec configured here as it is at the sender?" : ""))
    }
  }
}
