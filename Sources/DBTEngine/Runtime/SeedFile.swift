import DBTContext
import DBTProject
import OrderedCollections
import PlainData
import Secrets

/// The CSV file of a seed.
enum SeedFile {
  /// The most bytes a seed may have: 512 MiB.
  private static let limit = 512 << 20

  /// Reads the file with types inferred; columns with a configured type are text.
  static func table(_ node: Node, _ run: RunContext) throws -> AgateTable {
    let root = node.rootPath ?? run.engine.root(of: node.packageName)
    let path = root + "/" + node.originalFilePath
    let bytes: [UInt8]
    do throws(SecretError) {
      bytes = try MountedFile.read(path, limit: limit)
    } catch {
      throw DBTError(.runtime, "cannot read the seed file: \(error)")
    }
    let types = node.config["column_types"]?.objectValue ?? [:]
    let table: AgateTable
    do {
      table = try AgateTable.csv(
        bytes, textColumns: Set(types.keys), delimiter: node.config["delimiter"]?.stringValue ?? ",")
    } catch {
      // As in dbt, what is wrong with a seed's text is a matter of compiling.
      throw DBTError(.compilation, DBTError(error, node: nil).message)
    }
    let unknown = types.keys.filter { table.position(of: $0) == nil }.sorted()
    if !unknown.isEmpty {
      run.log(
        LogLine(
          .warn,
          "Column types specified for non-existent columns in seed '\(node.name)' (file: \(node.originalFilePath)): "
            + "\(unknown.joined(separator: ", ")). These column type overrides will be ignored.",
          nodeID: node.uniqueID))
    }
    guard run.invocation.flags.isEmptyRun else { return table }
    return AgateTable(columnNames: table.columnNames, columnTypes: table.columnTypes, rows: [])
  }
}
