import OrderedCollections
import PlainData

/// The lines of a file that define an element.
struct FileSlice: ElementWithMembers, Documented {
  let filename: String
  let content: String
  let startLine: Int
  let endLine: Int

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    filename = try reader.text("filename")
    content = try reader.text("content")
    startLine = try reader.integer("start_line_number")
    endLine = try reader.integer("end_line_number")
  }

  var document: PlainValue {
    [
      "filename": .string(filename), "content": .string(content), "start_line_number": .int(startLine),
      "end_line_number": .int(endLine),
    ]
  }
}

/// Where an element was defined.
struct Metadata: ElementWithMembers, Documented {
  let repositoryPath: String
  let slice: FileSlice

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    repositoryPath = try reader.text("repo_file_path")
    slice = try reader.part("file_slice")
  }

  var document: PlainValue { ["repo_file_path": .string(repositoryPath), "file_slice": slice.document] }
}

/// The part of an element's configuration that the semantic layer keeps.
struct ElementConfiguration: ElementWithMembers, Documented {
  let meta: PlainObject

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    let place = reader.place.member("meta")
    guard let value = reader.members["meta"] else {
      meta = [:]
      return
    }
    guard let meta = ElementReader.object(value) else { throw place.error("must be an object, is \(value.kindName)") }
    self.meta = meta
  }

  var document: PlainValue { ["meta": .object(meta)] }
}

/// The relation a semantic model or a time spine reads from.
struct NodeRelation: ElementWithMembers, Documented {
  let alias: String
  let schemaName: String
  let database: String?
  let relationName: String

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    self.init(
      alias: try reader.text("alias"), schemaName: try reader.text("schema_name"),
      database: try reader.optionalText("database"), relationName: try reader.text("relation_name", default: ""))
  }

  /// - Parameter relationName: when empty, the parts joined by dots.
  init(alias: String, schemaName: String, database: String?, relationName: String) {
    self.alias = alias
    self.schemaName = schemaName
    self.database = database
    let path = (database.map { [$0] } ?? []) + [schemaName, alias]
    self.relationName = relationName.isEmpty ? path.joined(separator: ".") : relationName
  }

  var document: PlainValue {
    [
      "alias": .string(alias), "schema_name": .string(schemaName), "database": database.plain,
      "relation_name": .string(relationName),
    ]
  }
}
