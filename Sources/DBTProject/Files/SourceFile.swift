import DBTContext
import Secrets

/// What the parser makes of a file, by where it lies and what its name ends in.
enum FileKind: Sendable, CaseIterable {
  case macro, model, snapshot, analysis, singularTest, genericTest, seed, documentation, properties, fixture, function
}

/// A file of a package, found below one of its resource paths.
struct SourceFile: Sendable {
  var kind: FileKind
  var packageName: String
  /// The resource path it was found below, such as `models`.
  var searchedPath: String
  /// The path below `searchedPath`.
  var relativePath: String
  /// The absolute path.
  var absolutePath: String

  /// The path below the package's root.
  var originalFilePath: String {
    searchedPath.isEmpty || searchedPath == "." ? relativePath : searchedPath + "/" + relativePath
  }

  /// `package://path`: how properties name the file that described a resource.
  var fileID: String { packageName + "://" + originalFilePath }

  /// What may follow `.sql` or `.md` in names, when the project allows it.
  static let templateEndings = [".j2", ".jinja2", ".jinja"]

  /// The file's name without its last extension, and without what marks a template behind it.
  var stem: String {
    var name = fileName
    for ending in Self.templateEndings where name.hasSuffix(ending) { name = name.dropLast(ending.count) }
    return Self.withoutExtension(name)
  }

  /// The file's name without its last extension: of `a.sql.jinja` too, `a.sql`, which dbt puts into the paths of snapshots.
  var plainStem: String { Self.withoutExtension(fileName) }

  private var fileName: Substring {
    let bytes = relativePath.utf8
    return relativePath[(bytes.lastIndex(of: UInt8(ascii: "/")).map(bytes.index(after:)) ?? bytes.startIndex)...]
  }

  private static func withoutExtension(_ name: Substring) -> String {
    guard let point = name.utf8.lastIndex(of: UInt8(ascii: ".")), point > name.startIndex else { return String(name) }
    return String(name[..<point])
  }

  /// The text without blank space at its ends, as dbt keeps and hashes it.
  ///
  /// - Throws: what `FileReader.text` throws.
  func contents() throws(ProjectError) -> String {
    try FileReader.text(absolutePath, named: originalFilePath).trimmed
  }

  /// The hash of a seed: of its text without blank space at its ends, with every line end a newline.
  ///
  /// - Throws: what `FileReader.read` throws, and when the bytes are not UTF-8.
  func dataChecksum() throws(ProjectError) -> Checksum {
    guard let text = String(validating: try FileReader.read(absolutePath), as: UTF8.self) else {
      throw ProjectError(.runtime, "The file is not valid UTF-8: \(originalFilePath)", path: originalFilePath)
    }
    let lines = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
    return Checksum(name: "sha256", checksum: SHA256.hex(lines.trimmed))
  }

  /// The hash of text with every run of blanks made one, which is how dbt compares files.
  static func checksum(_ contents: String) -> Checksum {
    if let words = asciiWords(contents) { return Checksum(name: "sha256", checksum: SHA256.hex(words)) }
    let words = contents.unicodeScalars.split(whereSeparator: \.isPythonBlank).map { String(Substring($0)) }
    return Checksum(name: "sha256", checksum: SHA256.hex(words.joined(separator: " ")))
  }

  /// The words of a text with one blank between them; nil for a text beyond ASCII, which has more kinds of blanks.
  private static func asciiWords(_ text: String) -> [UInt8]? {
    var words: [UInt8] = []
    words.reserveCapacity(text.utf8.count)
    var isWaiting = false
    for byte in text.utf8 {
      switch byte {
      case 0x09...0x0D, 0x1C...0x20: isWaiting = !words.isEmpty
      case 0x80...: return nil
      default:
        if isWaiting { words.append(0x20) }
        isWaiting = false
        words.append(byte)
      }
    }
    return words
  }
}

extension Unicode.Scalar {
  /// What Python's `str.strip` and `str.split` take for blank space.
  var isPythonBlank: Bool {
    switch value {
    case 0x09...0x0D, 0x1C...0x1F, 0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
      true
    default: false
    }
  }
}

extension String {
  /// The text without blank space at its ends, as Python's `str.strip` leaves it.
  var trimmed: String {
    let scalars = unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.isPythonBlank }),
      let last = scalars.lastIndex(where: { !$0.isPythonBlank })
    else { return "" }
    return String(scalars[first...last])
  }
}
