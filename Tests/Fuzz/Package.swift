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
  targets: [
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c"),
    .target(name: "CTemporalAPI", dependencies: ["CProtobufC"], publicHeadersPath: "."),
    .target(name: "TemporalMessages", dependencies: ["CProtobufC", "CTemporalAPI"], swiftSettings: house),
    .target(name: "CFuzzer"),
    .executableTarget(name: "FuzzWire", dependencies: ["CFuzzer", "TemporalMessages"], swiftSettings: house),
  ],
  swiftLanguageModes: [.v6]
)
