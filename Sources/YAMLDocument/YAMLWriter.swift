internal import CYAML
import OrderedCollections
package import PlainData

extension PlainValue {
  /// The value as YAML text, laid out as PyYAML's `safe_dump` with block style does: two blanks a level, lists not indented
  /// below their key, lines folded at 80 columns, text quoted only where it would be read as something else.
  package func yaml(sortedKeys: Bool = false) throws(YAMLWriteError) -> String {
    let writer = try YAMLWriter()
    try writer.document(self, sortedKeys: sortedKeys)
    let text = String(decoding: writer.output.bytes, as: UTF8.self)
    // PyYAML ends a bare plain scalar with a document end mark.
    switch self {
    case .array, .object: return text
    default: return text.hasPrefix("'") || text.hasPrefix("\"") ? text : text + "...\n"
    }
  }
}

/// Why a value cannot be written as YAML.
package struct YAMLWriteError: Error, Sendable, CustomStringConvertible {
  package var message: String
  package var description: String { "cannot write YAML: \(message)" }
}

/// Bytes that libyaml hands over.
private final class YAMLOutput {
  var bytes: [UInt8] = []
}

/// libyaml's emitter. Used by one thread.
@safe private final class YAMLWriter {
  let output = YAMLOutput()
  private let emitter: UnsafeMutablePointer<yaml_emitter_t>

  init() throws(YAMLWriteError) {
    unsafe emitter = .allocate(capacity: 1)
    unsafe emitter.initialize(to: yaml_emitter_t())
    guard unsafe yaml_emitter_initialize(emitter) == 1 else { throw YAMLWriteError(message: "no memory") }
    let collect: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int) -> CInt = {
      context, buffer, count in
      guard let context = unsafe context, let buffer = unsafe buffer else { return 0 }
      let output = unsafe Unmanaged<YAMLOutput>.fromOpaque(context).takeUnretainedValue()
      unsafe output.bytes.append(contentsOf: UnsafeBufferPointer(start: buffer, count: count))
      return 1
    }
    unsafe yaml_emitter_set_output(emitter, collect, Unmanaged.passUnretained(output).toOpaque())
    unsafe yaml_emitter_set_width(emitter, 80)
    unsafe yaml_emitter_set_indent(emitter, 2)
  }

  deinit {
    unsafe yaml_emitter_delete(emitter)
    unsafe emitter.deallocate()
  }

  func document(_ value: PlainValue, sortedKeys: Bool) throws(YAMLWriteError) {
    try unsafe emit { unsafe yaml_stream_start_event_initialize(&$0, YAML_UTF8_ENCODING) }
    try unsafe emit { unsafe yaml_document_start_event_initialize(&$0, nil, nil, nil, 1) }
    try write(value, sortedKeys: sortedKeys)
    try unsafe emit { unsafe yaml_document_end_event_initialize(&$0, 1) }
    try unsafe emit { unsafe yaml_stream_end_event_initialize(&$0) }
  }

  private func write(_ value: PlainValue, sortedKeys: Bool) throws(YAMLWriteError) {
    switch value {
    case .null: try scalar("null")
    case .bool(let flag): try scalar(flag ? "true" : "false")
    case .int(let number): try scalar(String(number))
    case .double(let number): try scalar(YAMLWriter.text(number))
    case .string(let text): try string(text)
    case .array(let items):
      let style = items.isEmpty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE
      try unsafe emit { unsafe yaml_sequence_start_event_initialize(&$0, nil, nil, 1, style) }
      for item in items { try write(item, sortedKeys: sortedKeys) }
      try unsafe emit { unsafe yaml_sequence_end_event_initialize(&$0) }
    case .object(let members):
      let style = members.isEmpty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE
      try unsafe emit { unsafe yaml_mapping_start_event_initialize(&$0, nil, nil, 1, style) }
      let keys = Array(members.keys)
      for key in sortedKeys ? keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) : keys {
        try string(key)
        try write(members[key] ?? .null, sortedKeys: sortedKeys)
      }
      try unsafe emit { unsafe yaml_mapping_end_event_initialize(&$0) }
    }
  }

  private func string(_ text: String) throws(YAMLWriteError) {
    let isPlain = YAMLScalar.isText(text)
    try scalar(text, isPlainAllowed: isPlain)
  }

  /// The emitter chooses quotes where the text needs them.
  private func scalar(_ text: String, isPlainAllowed: Bool = true) throws(YAMLWriteError) {
    let bytes = Array(text.utf8)
    guard let count = CInt(exactly: bytes.count) else { throw YAMLWriteError(message: "a text is too long") }
    try unsafe emit { event in
      unsafe bytes.withUnsafeBufferPointer { buffer in
        // An empty array may have no address; the length says that nothing is read.
        var none: UInt8 = 0
        return unsafe withUnsafePointer(to: &none) { empty in
          unsafe yaml_scalar_event_initialize(
            &event, nil, nil, buffer.baseAddress ?? empty, count, isPlainAllowed ? 1 : 0, 1, YAML_ANY_SCALAR_STYLE)
        }
      }
    }
  }

  private func emit(_ make: (inout yaml_event_t) -> CInt) throws(YAMLWriteError) {
    var event = unsafe yaml_event_t()
    guard unsafe make(&event) == 1 else { throw YAMLWriteError(message: "no memory, or text that is not UTF-8") }
    guard unsafe yaml_emitter_emit(emitter, &event) == 1 else {
      throw YAMLWriteError(
        message: unsafe emitter.pointee.problem.map { unsafe String(cString: $0) } ?? "unknown cause")
    }
  }

  private static func text(_ number: Double) -> String {
    if number.isNaN { return ".nan" }
    if number.isInfinite { return number < 0 ? "-.inf" : ".inf" }
    let text = number.pythonText
    // YAML 1.1 wants a decimal point in front of an exponent.
    guard let mark = text.firstIndex(of: "e"), !text.contains(".") else { return text }
    return text[..<mark] + ".0" + text[mark...]
  }
}
