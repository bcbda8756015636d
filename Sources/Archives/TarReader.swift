/// Reads a tar archive member by member: ustar (POSIX.1-1988), pax (POSIX.1-2001), GNU's long names.
///
/// Nothing is believed: every header's checksum, every number and every path is checked, devices, sparse files and kinds that
/// nobody knows are refused, and everything that grows has a limit. A pure machine over its source: no file is touched.
///
/// Usage: `next()` until it gives nil; after a file, `read(_:)` until it gives nothing (what is left over is skipped).
package struct TarReader<Source: ByteSource> {
  private static var blockBytes: Int { 512 }

  private var source: Source
  private let limits: ArchiveLimits
  private var memberCount = 0
  /// Bytes of the current file that were not read yet, and what pads them to whole blocks.
  private var remaining = 0
  private var padding = 0
  private var hasEnded = false

  package init(_ source: Source, limits: ArchiveLimits = ArchiveLimits()) {
    self.source = source
    self.limits = limits
  }

  /// The next member; nil after the last, once all of the source has been read and so been checked.
  package mutating func next() throws(ArchiveError) -> TarMember? {
    try skipContents()
    var extended = Extension()
    while !hasEnded {
      guard let header = try readHeader() else {
        guard extended.isEmpty else { throw Self.damaged("ends after a header that extends another one") }
        try readToTheEnd()
        return nil
      }
      memberCount += 1
      guard memberCount <= limits.members else {
        throw ArchiveError(.tooLarge, "holds more than \(limits.members) members")
      }
      if try takeExtension(header, into: &extended) { continue }
      if let member = try member(header, extended) { return member }
      extended = Extension()
      try skipContents()
    }
    return nil
  }

  /// The next bytes of the current file, at most `count`; empty at its end.
  package mutating func read(_ count: Int = 64 << 10) throws(ArchiveError) -> [UInt8] {
    let wanted = min(count, remaining)
    guard wanted > 0 else { return [] }
    let bytes = try source.read(wanted)
    guard bytes.count == wanted else { throw Self.damaged("ends in the middle of a file") }
    remaining -= wanted
    return bytes
  }

  // MARK: Headers

  /// Headers that say more about the next one.
  private struct Extension {
    var path: [UInt8]?
    var linkPath: [UInt8]?
    var size: Int?
    var isEmpty: Bool { path == nil && linkPath == nil && size == nil }
  }

  private struct Header {
    let bytes: [UInt8]
    let type: UInt8
    let size: Int

    func field(_ range: Range<Int>) -> [UInt8] { Array(bytes[range].prefix { $0 != 0 }) }

    /// The name with its prefix, as ustar splits long ones.
    var path: [UInt8] {
      let name = field(0..<100)
      // GNU's own form has times where ustar has the prefix.
      guard Array(bytes[257..<263]) == Array("ustar\0".utf8) else { return name }
      let prefix = field(345..<500)
      return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }
  }

  /// A header whose checksum is right; nil at the archive's end, which two blocks of zeros mark, or the end of the bytes.
  private mutating func readHeader() throws(ArchiveError) -> Header? {
    let bytes = try source.read(Self.blockBytes)
    if bytes.isEmpty, memberCount > 0 { return nil }
    guard bytes.count == Self.blockBytes else { throw Self.damaged("ends in the middle of a header") }
    if bytes.allSatisfy({ $0 == 0 }) { return nil }
    guard let sum = Self.octal(bytes[148..<156]), Self.isSum(sum, of: bytes) else {
      throw Self.damaged("holds a header that is none, or whose checksum is wrong")
    }
    guard let size = Self.number(bytes[124..<136]) else {
      throw ArchiveError(.refused, "holds a header whose size cannot be read")
    }
    return Header(bytes: bytes, type: bytes[156], size: size)
  }

  /// Whether the sum is that of the header with blanks in its place, of bytes without or (as old programs did) with a sign.
  private static func isSum(_ sum: Int, of bytes: [UInt8]) -> Bool {
    var (plain, signed) = (0, 0)
    for (index, byte) in bytes.enumerated() {
      let counted = (148..<156).contains(index) ? 0x20 : byte
      plain += Int(counted)
      signed += Int(Int8(bitPattern: counted))
    }
    return sum == plain || sum == signed
  }

  private mutating func takeExtension(_ header: Header, into extended: inout Extension) throws(ArchiveError) -> Bool {
    switch header.type {
    case UInt8(ascii: "L"):
      extended.path = Array(try readExtension(header).prefix { $0 != 0 })
    case UInt8(ascii: "K"):
      extended.linkPath = Array(try readExtension(header).prefix { $0 != 0 })
    case UInt8(ascii: "x"), UInt8(ascii: "X"):
      for (key, value) in try PaxRecords.parse(try readExtension(header)) {
        switch key {
        case "path": extended.path = value
        case "linkpath": extended.linkPath = value
        case "size":
          guard let size = Int(String(decoding: value, as: UTF8.self)), size >= 0 else {
            throw ArchiveError(.refused, "holds a header whose size cannot be read")
          }
          extended.size = size
        default: try PaxRecords.check(key)
        }
      }
    case UInt8(ascii: "g"):
      for (key, _) in try PaxRecords.parse(try readExtension(header)) {
        guard !["path", "linkpath", "size"].contains(key) else {
          throw ArchiveError(.refused, "holds a header that gives every member the same \(key)")
        }
        try PaxRecords.check(key)
      }
    default: return false
    }
    return true
  }

  private mutating func readExtension(_ header: Header) throws(ArchiveError) -> [UInt8] {
    guard header.size <= limits.extensionBytes else {
      throw ArchiveError(.tooLarge, "holds a name or records of more than \(limits.extensionBytes) bytes")
    }
    begin(header.size)
    let bytes = try read(header.size)
    try skipContents()
    return bytes
  }

  /// The member of a header; nil for the folder that is the top of the archive.
  private mutating func member(_ header: Header, _ extended: Extension) throws(ArchiveError) -> TarMember? {
    let name = extended.path ?? header.path
    let link = extended.linkPath ?? header.field(157..<257)
    let size = extended.size ?? header.size
    guard !name.isEmpty else { throw ArchiveError(.refused, "holds a member without a name") }
    let path = try ArchivePath(name, limits)
    let isOldFolder = header.type == 0 && name.last == UInt8(ascii: "/")
    var kind: TarMember.Kind
    switch header.type {
    case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): kind = isOldFolder ? .folder : .file
    case UInt8(ascii: "5"): kind = .folder
    case UInt8(ascii: "2"):
      guard link.count <= limits.pathBytes, let text = String(validating: link, as: UTF8.self), !text.isEmpty,
        !link.contains(where: { $0 < 0x20 || $0 == 0x7F })
      else { throw ArchiveError(.refused, "holds a link whose target cannot be read: '\(ArchivePath.shown(name))'") }
      kind = .symbolicLink(text)
    case UInt8(ascii: "1"):
      guard let target = try ArchivePath(link, limits) else {
        throw ArchiveError(.refused, "holds a link to no file: '\(ArchivePath.shown(name))'")
      }
      kind = .hardLink(target)
    case UInt8(ascii: "3"), UInt8(ascii: "4"), UInt8(ascii: "6"):
      throw ArchiveError(.refused, "holds a device or pipe: '\(ArchivePath.shown(name))'")
    case UInt8(ascii: "S"):
      throw ArchiveError(.refused, "holds a sparse file: '\(ArchivePath.shown(name))'")
    default:
      throw ArchiveError(.refused, "holds a member of unknown kind: '\(ArchivePath.shown(name))'")
    }
    begin(kind == .file ? size : 0)
    guard let path else {
      guard kind == .folder else { throw ArchiveError(.refused, "holds a member without a name") }
      return nil
    }
    let mode = Self.number(header.bytes[100..<108]) ?? 0
    return TarMember(path: path, kind: kind, size: remaining, mode: mode & 0o777)
  }

  // MARK: Contents

  private mutating func begin(_ size: Int) {
    remaining = size
    padding = (Self.blockBytes - size % Self.blockBytes) % Self.blockBytes
  }

  private mutating func skipContents() throws(ArchiveError) {
    while remaining > 0 { _ = try read() }
    guard padding > 0 else { return }
    // The last block may lack its padding, as some programs write it.
    _ = try source.read(padding)
    padding = 0
  }

  /// What follows the end is of no account, but it is read so that checksums of the compression are.
  private mutating func readToTheEnd() throws(ArchiveError) {
    hasEnded = true
    while !(try source.read(64 << 10)).isEmpty {}
  }

  // MARK: Numbers

  /// A number in octal digits, or in GNU's binary form; nil for anything else, negative ones among it.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    guard let first = field.first, first & 0x80 != 0 else { return octal(field) }
    guard first == 0x80 else { return nil }
    var value = 0
    for byte in field.dropFirst() {
      guard value <= Int.max >> 8 else { return nil }
      value = value << 8 | Int(byte)
    }
    return value
  }

  /// Octal digits between blanks; an empty field is 0.
  private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
    var value = 0
    var hasEnded = false
    for byte in field.drop(while: { $0 == 0x20 }) {
      if byte == 0 || byte == 0x20 {
        hasEnded = true
        if byte == 0 { break }
        continue
      }
      guard !hasEnded, (0x30...0x37).contains(byte), value <= Int.max >> 3 else { return nil }
      value = value << 3 | Int(byte - 0x30)
    }
    return value
  }

  private static func damaged(_ message: String) -> ArchiveError { ArchiveError(.damaged, message) }
}
