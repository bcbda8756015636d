import OrderedCollections
import PlainData

/// The shapes of the entries of property files, but for those that are about the semantic layer alone.
extension Shape {
  private static let texts: Shape = .list(.text)
  private static let versionNumber: [Shape] = [.text, .integer, .number]
  private static let tests: Shape = .list(.any([.text, .members]))
  private static let docs: Shape = .object([may("show", .flag), may("node_color", optional(.text))])

  /// What everything with a name and a description has.
  private static let described: [Member] = [
    must("name", .text), may("description", .text), may("meta", .members), may("data_type", optional(.text)),
    may("constraints", .list(.members)), may("docs", docs), may("config", .members), may("_extra", .members),
  ]

  // MARK: Models, seeds, snapshots, analyses

  private static let column: Shape = .open(
    described + [
      may("data_tests", tests), may("tests", tests), may("quote", optional(.flag)), may("tags", texts),
    ] + columnSemantics)

  private static let nodeMembers: [Member] =
    described + [
      may("data_tests", tests), may("tests", tests), may("columns", .list(column)),
      may("quote_columns", optional(.flag)), may("access", optional(.text)),
    ]

  private static let chosenColumns: Shape = .object([
    must("include", .any([.text, texts])), may("exclude", texts),
  ])

  private static let modelVersion: Shape = .object([
    must("v", .any(versionNumber)), may("defined_in", optional(.text)), may("description", .text),
    may("access", optional(.text)), may("config", .members), may("constraints", .list(.members)), may("docs", docs),
    may("data_tests", optional(tests)), may("tests", optional(tests)),
    may("columns", .list(.any([column, chosenColumns]))), may("deprecation_date", optional(.text)),
  ])

  private static let node: Shape = .open(nodeMembers)
  private static let model: Shape = .open(
    nodeMembers + [
      may("latest_version", .any(versionNumber + [.null])), may("versions", .list(modelVersion)),
      may("deprecation_date", optional(.text)),
    ] + modelSemantics)
  private static let analysis: Shape = .open(
    described + [may("columns", .list(.open(described))), may("access", optional(.text))])
  private static let singularTest: Shape = .open(described)

  // MARK: Macros and functions

  private static let macro: Shape = .open(
    described + [
      may("arguments", .list(.object([must("name", .text), may("type", optional(.text)), may("description", .text)])))
    ])

  private static let returned: Shape = .object([must("data_type", .text), may("description", optional(.text))])
  private static let functionArguments: Shape = .list(
    .object([
      must("name", .text), must("data_type", .text), may("description", optional(.text)),
      may("default_value", .anything),
    ]))
  private static let function: Shape = .open(
    [must("returns", returned)] + described + [
      may("access", optional(.text)), may("arguments", functionArguments),
      may(
        "overloads",
        .list(
          .object([
            must("defined_in", .text), may("arguments", functionArguments), may("returns", optional(returned)),
            may("description", optional(.text)),
          ]))),
    ])

  // MARK: Sources

  private static let quoting: Shape = .object(
    ["database", "schema", "identifier", "column"].map { may($0, optional(.flag)) })
  private static let threshold = optional(
    .object([
      may("count", optional(.integer)), may("period", optional(.choice(["minute", "hour", "day"]))),
    ]))
  private static let freshness = optional(
    .object([may("warn_after", threshold), may("error_after", threshold), may("filter", optional(.text))]))
  private static let external = optional(
    .open(
      [may("_extra", .members)]
        + ["location", "file_format", "row_format", "tbl_properties"].map { may($0, optional(.text)) } + [
          may(
            "partitions",
            optional(
              .list(
                .any([
                  .open([
                    may("_extra", .members), may("name", .text), may("description", .text), may("data_type", .text),
                    may("meta", .members),
                  ]), .text,
                ]))))
        ]))
  private static let loading: [Member] = [
    may("loaded_at_field", optional(.text)), may("loaded_at_field_present", optional(.flag)),
    may("loaded_at_query", optional(.text)),
  ]

  private static let sourceTable: Shape = .open(
    described + [may("data_tests", tests), may("tests", tests), may("columns", .list(column))] + loading + [
      may("identifier", optional(.text)), may("quoting", quoting), may("freshness", freshness),
      may("external", external), may("tags", texts),
    ])
  private static let source: Shape = .object(
    [
      must("name", .text), may("description", .text), may("meta", .members), may("database", optional(.text)),
      may("schema", optional(.text)), may("loader", .text), may("quoting", quoting), may("freshness", freshness),
    ] + loading + [
      may("tables", .list(sourceTable)), may("tags", texts), may("config", .members),
      may("unrendered_database", optional(.text)), may("unrendered_schema", optional(.text)),
    ])

  private static let patchedTable: Shape = .object(
    [
      must("name", .text), may("description", optional(.text)), may("meta", optional(.members)),
      may("data_type", optional(.text)), may("docs", optional(docs)),
    ] + loading + [
      may("identifier", optional(.text)), may("quoting", quoting), may("freshness", freshness),
      may("external", external), may("tags", optional(texts)), may("data_tests", optional(tests)),
      may("tests", optional(tests)), may("columns", optional(.list(column))),
    ])
  /// An entry that overrides a source of another package.
  private static let sourcePatch: Shape = .object(
    [
      must("name", .text), must("overrides", .text), must("path", .text), may("config", .members),
      may("description", optional(.text)), may("meta", optional(.members)), may("database", optional(.text)),
      may("schema", optional(.text)), may("loader", optional(.text)), may("quoting", optional(quoting)),
      may("freshness", freshness),
    ] + loading + [may("tables", optional(.list(patchedTable))), may("tags", optional(texts))])

  // MARK: Exposures, groups, unit tests

  private static let owner: Shape = .open([
    may("_extra", .members), may("email", .any([.text, texts, .null])), may("name", optional(.text)),
  ])
  private static let exposure: Shape = .object([
    must("name", .text), must("type", .choice(["dashboard", "notebook", "analysis", "ml", "application"])),
    must("owner", owner), may("description", .text), may("label", optional(.text)),
    may("maturity", optional(.choice(["low", "medium", "high"]))), may("meta", .members), may("tags", texts),
    may("url", optional(.text)), may("depends_on", texts), may("config", .members),
  ])
  private static let group: Shape = .object([
    must("name", .text), must("owner", owner), may("description", optional(.text)), may("config", .members),
  ])

  private static let rows: [Member] = [
    may("rows", .any([.text, .list(.members), .null])), may("format", .choice(["csv", "dict", "sql"])),
    may("fixture", optional(.text)),
  ]
  private static let versionList = optional(.list(.any(versionNumber)))
  private static let unitTest: Shape = .object([
    must("name", .text), must("model", .text), must("given", .list(.object([must("input", .text)] + rows))),
    must("expect", .object(rows)), may("description", .text),
    may("overrides", optional(.object(["macros", "vars", "env_vars"].map { may($0, .members) }))),
    may("config", .members),
    may("versions", optional(.object([may("include", versionList), may("exclude", versionList)]))),
  ])

  /// The shape of the entries of a section; nil for one whose entries have several, which their reader tells apart.
  static func ofEntry(_ section: String, _ members: PlainObject) -> Shape? {
    switch section {
    case "models": model
    case "seeds", "snapshots": node
    case "analyses": analysis
    case "data_tests": singularTest
    case "macros": macro
    case "functions": function
    case "sources": members["overrides"] == nil ? source : sourcePatch
    case "exposures": exposure
    case "groups": group
    case "unit_tests": unitTest
    default: nil
    }
  }
}
