internal import CYAML

/// One step of a YAML stream.
struct YAMLEvent {
  enum Kind: Equatable {
    case streamStart, streamEnd, documentStart, documentEnd
    case alias(String)
    /// `isPlain`: written without quotes, so its text decides its type.
    case scalar(String, isPlain: Bool)
    case sequenceStart, sequenceEnd, mappingStart, mappingEnd
  }

  var kind: Kind
  var anchor: String?
  /// The full tag, such as `tag:yaml.org,2002:str`; nil when none was written.
  var tag: String?
  var place: YAMLPlace
}

/// libyaml's event parser over bytes that this object owns. Used by one thread.
@safe final class YAMLEventReader {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>
  private let text: [UInt8]
  private let path: String

  init(_ text: [UInt8], path: String) throws(YAMLError) {
    self.text = text
    self.path = path
    unsafe input = .allocate(capacity: max(1, text.count))
    _ = unsafe input.initialize(from: text)
    unsafe parser = .allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    guard unsafe yaml_parser_initialize(parser) == 1 else {
      throw YAMLError(.limit, "no memory for a YAML parser", at: YAMLPlace(line: 1, column: 1), path: path, text: text)
    }
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, input.baseAddress, text.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe input.deallocate()
  }

  /// The next event; after `.streamEnd` there is none.
  func next() throws(YAMLError) -> YAMLEvent {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw fault() }
    defer { unsafe yaml_event_delete(&event) }
    return unsafe YAMLEventReader.event(event)
  }

  private static func event(_ event: yaml_event_t) -> YAMLEvent {
    let mark = unsafe event.start_mark
    let place = YAMLPlace(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    switch unsafe event.type {
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: Int(scalar.length))
      let text = unsafe String(decoding: bytes, as: UTF8.self)
      return unsafe YAMLEvent(
        kind: .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), anchor: string(scalar.anchor),
        tag: string(scalar.tag), place: place)
    case YAML_ALIAS_EVENT:
      return unsafe YAMLEvent(kind: .alias(string(event.data.alias.anchor) ?? ""), place: place)
    case YAML_SEQUENCE_START_EVENT:
      let start = unsafe event.data.sequence_start
      return unsafe YAMLEvent(
        kind: .sequenceStart, anchor: string(start.anchor), tag: string(start.tag), place: place)
    case YAML_MAPPING_START_EVENT:
      let start = unsafe event.data.mapping_start
      return unsafe YAMLEvent(kind: .mappingStart, anchor: string(start.anchor), tag: string(start.tag), place: place)
    case YAML_SEQUENCE_END_EVENT: return YAMLEvent(kind: .sequenceEnd, place: place)
    case YAML_MAPPING_END_EVENT: return YAMLEvent(kind: .mappingEnd, place: place)
    case YAML_STREAM_START_EVENT: return YAMLEvent(kind: .streamStart, place: place)
    case YAML_DOCUMENT_START_EVENT: return YAMLEvent(kind: .documentStart, place: place)
    case YAML_DOCUMENT_END_EVENT: return YAMLEvent(kind: .documentEnd, place: place)
    default: return YAMLEvent(kind: .streamEnd, place: place)
    }
  }

  private static func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe String(cString: pointer)
  }

  private func fault() -> YAMLError {
    let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "the text cannot be read"
    let context = unsafe parser.pointee.context.map { unsafe String(cString: $0) + ", " } ?? ""
    if unsafe parser.pointee.error == YAML_READER_ERROR {
      let offset = unsafe min(Int(parser.pointee.problem_offset), text.count)
      return YAMLError(.syntax, problem, at: place(offset: offset), path: path, text: text)
    }
    let mark = unsafe parser.pointee.problem_mark
    let place = YAMLPlace(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    return YAMLError(.syntax, context + problem, at: place, path: path, text: text)
  }

  private func place(offset: Int) -> YAMLPlace {
    let before = text[..<offset]
    let line = before.count { $0 == 0x0A } + 1
    let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    return YAMLPlace(line: line, column: String(decoding: before[start...], as: UTF8.self).count + 1)
  }
}
