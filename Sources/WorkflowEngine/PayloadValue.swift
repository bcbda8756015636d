package import PlainData
package import TemporalMessages

extension Payload {
  /// A value in the encoding `json/plain`; null in `binary/null`, as all Temporal SDKs have it.
  package init(plain value: PlainValue) {
    self.init()
    guard !value.isNull else {
      metadata["encoding"] = Array("binary/null".utf8)
      return
    }
    metadata["encoding"] = Array("json/plain".utf8)
    data = value.jsonBytes()
  }

  /// What the payload's metadata says its data is, such as `json/plain`.
  package var encoding: String { String(decoding: metadata["encoding"] ?? [], as: UTF8.self) }

  /// Reads the value by the payload's own encoding.
  ///
  /// - Throws: `PayloadFault.unsupported` for encodings that are not JSON, `.malformed` for bytes that are not what the
  ///   encoding says.
  package func plain() throws(PayloadFault) -> PlainValue {
    switch encoding {
    case "binary/null": return .null
    case "json/plain", "json/protobuf":
      do {
        return try PlainValue(json: data)
      } catch {
        throw .malformed("\(error)")
      }
    case let other: throw .unsupported(other)
    }
  }
}

/// Why a payload could not be read.
package enum PayloadFault: Error, Sendable, Equatable, CustomStringConvertible {
  case unsupported(String)
  case malformed(String)

  package var description: String {
    switch self {
    case .unsupported(let encoding): "payload encoding '\(encoding)' is not supported; send json/plain"
    case .malformed(let message): message
    }
  }
}

extension Payloads {
  /// Values as one payload each.
  package init(plain values: [PlainValue]) {
    self.init()
    payloads = values.map { Payload(plain: $0) }
  }
}

/// Reads payloads of a history; `place` names them in errors.
func plainValues(_ payloads: Payloads?, in place: String) throws(WorkflowEngineError) -> [PlainValue] {
  var values: [PlainValue] = []
  for payload in payloads?.payloads ?? [] {
    do {
      values.append(try payload.plain())
    } catch {
      throw .unsupportedEncoding(payload.encoding, where: place + ": \(error)")
    }
  }
  return values
}
