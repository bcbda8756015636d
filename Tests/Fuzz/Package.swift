// swift-tools-version: 6.2
import PackageDescription

// A package of its own: fuzzing needs sanitizer flags that the product must not have. The targets under test are links to
// the product's sources, so that declarations with `package` access can be reached. See README.md.
let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let ordered: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")

let package = Package(
  name: "sallyport-fuzz",
  dependencies: [
    .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
  ],
  targets: [
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c"),
    .target(name: "CTemporalAPI", dependencies: ["CProtobufC"], publicHeadersPath: "."),
    .target(name: "TemporalMessages", dependencies: ["CProtobufC", "CTemporalAPI"], swiftSettings: house),
    .target(name: "CFuzzer"),
    .executableTarget(name: "FuzzCertificates", dependencies: ["CFuzzer", "TLSClient"], swiftSettings: house),
    .executableTarget(name: "FuzzKeys", dependencies: ["CFuzzer", "TLSClient"], swiftSettings: house),
    .executableTarget(name: "FuzzWire", dependencies: ["CFuzzer", "TemporalMessages"], swiftSettings: house),

    // The transport.
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
    .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
    .systemLibrary(name: "CLinux"),
    .target(name: "Secrets", dependencies: ["CLinux", "COpenSSL", metrics], swiftSettings: house),
    .target(name: "Egress", dependencies: ["CLinux", "Secrets"], swiftSettings: house),
    .target(
      name: "EventLoop", dependencies: ["CLinux", "Egress", "Secrets", deque, heap, metrics], swiftSettings: house),
    .target(
      name: "TLSClient", dependencies: ["COpenSSL", "CLinux", "EventLoop", "Secrets", logging, metrics],
      swiftSettings: house),
    .target(
      name: "HTTP2Client",
      dependencies: ["CLinux", "CNghttp2", "EventLoop", "Secrets", "TLSClient", deque, logging, metrics],
      swiftSettings: house),
    .target(
      name: "GRPCClient",
      dependencies: ["CZlib", "Egress", "EventLoop", "HTTP2Client", "TLSClient", "Secrets", deque, logging, metrics],
      swiftSettings: house),
    .executableTarget(name: "FuzzFrames", dependencies: ["CFuzzer", "GRPCClient"], swiftSettings: house),
    .executableTarget(name: "FuzzFraming", dependencies: ["CFuzzer", "GRPCClient"], swiftSettings: house),
    .executableTarget(name: "FuzzHeaders", dependencies: ["CFuzzer", "GRPCClient"], swiftSettings: house),

    .target(name: "Archives", dependencies: ["CZlib"], swiftSettings: house),
    .executableTarget(name: "FuzzTar", dependencies: ["CFuzzer", "Archives"], swiftSettings: house),

    // The engine.
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8"),
    .target(name: "PlainData", dependencies: [ordered], swiftSettings: house),
    .target(name: "Jinja", dependencies: ["PlainData", ordered], swiftSettings: house),
    .target(name: "YAMLDocument", dependencies: ["CYAML", "PlainData", ordered], swiftSettings: house),
    .target(
      name: "DBTContext",
      dependencies: ["CLinux", "CPCRE2", "Jinja", "PlainData", "YAMLDocument", "Secrets", ordered],
      swiftSettings: house),
    .target(name: "SemanticManifest", dependencies: ["Jinja", "PlainData", ordered], swiftSettings: house),
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
        ordered, heap, logging,
      ],
      swiftSettings: house),
    .executableTarget(name: "FuzzJinja", dependencies: ["CFuzzer", "DBTEngine"], swiftSettings: house),
    .executableTarget(name: "FuzzYAML", dependencies: ["CFuzzer", "DBTEngine"], swiftSettings: house),
    .executableTarget(name: "FuzzCSV", dependencies: ["CFuzzer", "DBTEngine"], swiftSettings: house),
    .executableTarget(name: "FuzzSelectors", dependencies: ["CFuzzer", "DBTEngine"], swiftSettings: house),
    .executableTarget(name: "FuzzBlocks", dependencies: ["CFuzzer", "DBTEngine"], swiftSettings: house),
  ],
  swiftLanguageModes: [.v6]
)
