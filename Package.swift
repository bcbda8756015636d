// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target that ships: Swift 6 mode, no implicit re-exports, every unsafe step marked.
let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// Settings of test targets: as strict about warnings, without the marks for unsafe steps.
let trial: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let ordered: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "sallyport",
  products: [.executable(name: "sallyport", targets: ["sallyport"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
  ],
  targets: [
    // C: one folder a library, imported by one wrapper only.
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CLinux"),
    .target(name: "CTemporalAPI", dependencies: ["CProtobufC"], publicHeadersPath: "."),

    // Foundations, shared by both sides.
    .target(name: "PlainData", dependencies: [ordered], swiftSettings: house),
    .target(name: "Secrets", dependencies: ["CLinux", "COpenSSL", metrics], swiftSettings: house),
    .target(name: "Egress", dependencies: ["CLinux", "Secrets"], swiftSettings: house),
    .target(
      name: "EventLoop", dependencies: ["CLinux", "Egress", "Secrets", deque, heap, metrics], swiftSettings: house),
    .target(
      name: "Observability", dependencies: ["CLinux", "EventLoop", "PlainData", "Secrets", ordered, logging, metrics],
      swiftSettings: house),

    .target(name: "Archives", dependencies: ["CZlib"], swiftSettings: house),

    // Wire, scheduler side.
    .target(
      name: "TLSClient", dependencies: ["COpenSSL", "CLinux", "EventLoop", "Secrets", logging, metrics],
      swiftSettings: house),
    .target(
      name: "HTTP2Client",
      dependencies: ["CLinux", "CNghttp2", "EventLoop", "Secrets", "TLSClient", deque, logging, metrics],
      swiftSettings: house),
    .target(
      name: "GRPCClient",
      dependencies: [
        "CZlib", "Egress", "EventLoop", "HTTP2Client", "TLSClient", "Secrets", deque, logging, metrics,
      ],
      swiftSettings: house),
    .target(
      name: "CurlTransfer", dependencies: ["CCurl", "CLinux", "Egress", "EventLoop", "Secrets", "TLSClient"],
      swiftSettings: house),
    .target(name: "TemporalMessages", dependencies: ["CProtobufC", "CTemporalAPI"], swiftSettings: house),
    .target(
      name: "OAuthClient",
      dependencies: [
        "CLinux", "CurlTransfer", "Egress", "EventLoop", "GRPCClient", "PlainData", "Secrets", "TLSClient", logging,
        metrics,
      ],
      swiftSettings: house),

    .target(
      name: "HTTPDownload", dependencies: ["CurlTransfer", "Egress", "Secrets", "TLSClient"], swiftSettings: house),

    // Wire, engine side.
    .target(name: "Jinja", dependencies: ["PlainData", ordered], swiftSettings: house),
    .target(name: "YAMLDocument", dependencies: ["CYAML", "PlainData", ordered], swiftSettings: house),
    .target(
      name: "PostgresClient", dependencies: ["CPostgres", "CLinux", "Egress", "Secrets", logging, metrics],
      swiftSettings: house),
    .target(name: "SemanticManifest", dependencies: ["Jinja", "PlainData", ordered], swiftSettings: house),

    // Core.
    .target(
      name: "TemporalClient", dependencies: ["GRPCClient", "TemporalMessages", "PlainData", ordered, logging],
      swiftSettings: house),
    .target(
      name: "WorkflowEngine", dependencies: ["TemporalMessages", "PlainData", deque, ordered], swiftSettings: house),
    .target(
      name: "DBTContext",
      dependencies: ["CLinux", "CPCRE2", "Jinja", "PlainData", "YAMLDocument", "Secrets", ordered],
      swiftSettings: house),
    .target(
      name: "DBTProject",
      dependencies: [
        "Archives", "CLinux", "DBTContext", "Jinja", "PlainData", "SemanticManifest", "YAMLDocument", "Secrets",
        ordered,
      ],
      swiftSettings: house),
    .target(
      name: "DBTEngine",
      dependencies: [
        "CLinux", "DBTContext", "DBTProject", "Jinja", "PlainData", "Secrets", "SemanticManifest", "YAMLDocument",
        ordered,
        heap, logging,
      ],
      swiftSettings: house),

    // Runtime.
    .target(
      name: "TemporalWorker",
      dependencies: [
        "GRPCClient", "TemporalClient", "TemporalMessages", "WorkflowEngine", "Observability", "PlainData", deque,
        ordered, logging,
      ],
      swiftSettings: house),
    .target(
      name: "PostgresWarehouse",
      dependencies: [
        "DBTContext", "DBTEngine", "Egress", "PostgresClient", "Secrets", "Jinja", "PlainData", ordered, logging,
      ],
      swiftSettings: house),

    // Top and face.
    .target(
      name: "Worker",
      dependencies: [
        "CLinux", "Egress", "EventLoop", "Secrets", "Observability", "TLSClient", "HTTP2Client", "GRPCClient",
        "OAuthClient", "TemporalClient", "TemporalMessages", "TemporalWorker",
        "WorkflowEngine", "DBTContext", "DBTProject", "DBTEngine", "PostgresWarehouse", "PlainData", "YAMLDocument",
        ordered, logging,
        metrics,
      ],
      swiftSettings: house),
    .executableTarget(
      name: "sallyport",
      dependencies: [
        "CLinux", "Egress", "HTTPDownload", "TLSClient", "Worker", "Observability", "Secrets", "TemporalClient",
        "TemporalMessages", "DBTProject",
        "DBTEngine",
        "PostgresWarehouse",
        "PlainData", "YAMLDocument", arguments, ordered, logging,
      ],
      swiftSettings: house),

    // Tests mirror the sources; TestSupport starts the real peers they talk to.
    .target(name: "TestSupport", path: "Tests/TestSupport", exclude: ["Peers"], swiftSettings: trial),
  ]
    + [
      "PlainData", "Archives", "Egress", "EventLoop", "Secrets", "Observability", "TLSClient", "HTTP2Client",
      "GRPCClient",
      "OAuthClient", "HTTPDownload", "TemporalMessages", "Jinja",
      "YAMLDocument", "PostgresClient", "SemanticManifest", "TemporalClient", "WorkflowEngine", "DBTContext",
      "DBTProject", "DBTEngine", "TemporalWorker",
      "PostgresWarehouse", "Worker", "sallyport",
    ].map { name in
      .testTarget(
        name: name == "sallyport" ? "CommandLineTests" : name + "Tests",
        dependencies: [.byName(name: name), "TestSupport", ordered]
          + (name == "HTTP2Client" ? [logging, metrics] : []),
        exclude: ["Jinja", "DBTEngine", "SemanticManifest"].contains(name) ? ["Differential"] : [],
        swiftSettings: trial)
    } + [
      .testTarget(name: "LayeringTests", swiftSettings: trial)
    ],
  swiftLanguageModes: [.v6]
)
