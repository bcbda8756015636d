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

let package = Package(
  name: "sallyport-fuzz",
  dependencies: [.package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0")],
  targets: [
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c"),
    .target(name: "CTemporalAPI", dependencies: ["CProtobufC"], publicHeadersPath: "."),
    .target(name: "TemporalMessages", dependencies: ["CProtobufC", "CTemporalAPI"], swiftSettings: house),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
    .systemLibrary(name: "CLinux"),
    .target(name: "Secrets", dependencies: ["CLinux", "COpenSSL"], swiftSettings: house),
    .target(
      name: "TLSClient",
      dependencies: ["CLinux", "COpenSSL", "Secrets", .product(name: "Metrics", package: "swift-metrics")],
      swiftSettings: house),
    .target(name: "CFuzzer"),
    .executableTarget(name: "FuzzCertificates", dependencies: ["CFuzzer", "TLSClient"], swiftSettings: house),
    .executableTarget(name: "FuzzKeys", dependencies: ["CFuzzer", "TLSClient"], swiftSettings: house),
    .executableTarget(name: "FuzzWire", dependencies: ["CFuzzer", "TemporalMessages"], swiftSettings: house),
  ],
  swiftLanguageModes: [.v6]
)
