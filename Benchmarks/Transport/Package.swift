// swift-tools-version: 6.2
import PackageDescription

// A package of its own: grpc-swift and SwiftNIO are measured against, and must not be dependencies of the product. The
// transport's targets are links to the product's sources, so that declarations with `package` access can be reached and
// what is measured is what ships. See ../README.md.
let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")

let package = Package(
  name: "sallyport-transport-benchmark",
  dependencies: [
    .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
    .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
  ],
  targets: [
    // The product's transport.
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

    // What measures, and one client program for each transport.
    .target(name: "Load", swiftSettings: house),
    .executableTarget(
      name: "SallyportLoad", dependencies: ["Load", "EventLoop", "TLSClient", "GRPCClient", logging],
      swiftSettings: house),
    .executableTarget(
      name: "GRPCSwiftLoad",
      dependencies: [
        "Load", .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
      ],
      swiftSettings: house),
  ],
  swiftLanguageModes: [.v6]
)
