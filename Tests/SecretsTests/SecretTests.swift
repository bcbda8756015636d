import Foundation
import Testing

@testable import Secrets

@Suite struct SecretTests {
  @Test func theBytesAreLentAndNothingElseShowsThem() {
    let secret = SharedSecret(copying: "hunter2-canary".utf8)
    #expect(secret.withBytes { [UInt8]($0) } == Array("hunter2-canary".utf8))
    #expect(secret.count == 14)
    var dumped = ""
    dump(secret, to: &dumped)
    let shown = ["\(secret)", String(describing: secret), String(reflecting: secret), dumped, "\([secret])"]
    for text in shown { #expect(!text.contains("hunter2") && !text.contains("canary")) }
    #expect("\(secret)" == "<secret>")
  }

  @Test func aSequenceOfUnknownLengthIsCopiedWhole() {
    let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0) }
    var rest = bytes[...]
    let secret = SharedSecret(copying: AnyIterator { rest.popFirst() })
    #expect(secret.withBytes { [UInt8]($0) } == bytes)
  }

  @Test func theMemoryIsLeftOutOfCoreDumps() throws {
    let secret = SharedSecret(copying: "x".utf8)
    let address = secret.withBytes { UInt(bitPattern: $0.baseAddress) }
    defer { withExtendedLifetime(secret) {} }
    let listing = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps")).readDataToEndOfFile()
    let maps = String(decoding: listing, as: UTF8.self).split(separator: "\n")
    let start = try #require(
      maps.firstIndex { line in
        let range = line.split(separator: " ").first?.split(separator: "-") ?? []
        guard range.count == 2, let low = UInt(range[0], radix: 16), let high = UInt(range[1], radix: 16) else {
          return false
        }
        return (low..<high).contains(address)
      })
    let flags = try #require(maps[start...].first { $0.hasPrefix("VmFlags:") })
    #expect(flags.contains(" dd"))
    #expect(flags.contains(" wf"))
  }

  @Test func cStringsEndWithAZeroByte() {
    let secret = SharedSecret(copying: "abc".utf8)
    #expect(secret.withCString { String(cString: $0) } == "abc")
  }

  @Test func secretsCompareByContent() {
    let one = SharedSecret(copying: "abc".utf8)
    #expect(one.matches(SharedSecret(copying: "abc".utf8)))
    #expect(!one.matches(SharedSecret(copying: "abd".utf8)))
    #expect(!one.matches(SharedSecret(copying: "ab".utf8)))
  }

  @Test func aVariableThatTemplatesMayReadIsKeptAndOverwrittenWhereItStood() {
    setenv("WIPED_PREFIX_ONE", "canary-value", 1)
    let environment = ProcessEnvironment.take(secretNames: [], wipedPrefix: "WIPED_PREFIX")
    #expect(environment.values["WIPED_PREFIX_ONE"] == "canary-value")
    #expect(getenv("WIPED_PREFIX_ONE").map { String(cString: $0) } == "")
    unsetenv("WIPED_PREFIX_ONE")
  }

  @Test func theEnvironmentIsOverwrittenWhereASecretStood() {
    setenv("SALLYPORT_TEST_SECRET", "canary-value", 1)
    setenv("SALLYPORT_TEST_EMPTY", "", 1)
    let environment = ProcessEnvironment.take(secretNames: ["SALLYPORT_TEST_SECRET", "SALLYPORT_TEST_EMPTY"])
    #expect(environment.secrets["SALLYPORT_TEST_SECRET"]?.withBytes { [UInt8]($0) } == Array("canary-value".utf8))
    #expect(environment.secrets["SALLYPORT_TEST_EMPTY"] == nil)
    #expect(environment.values["SALLYPORT_TEST_SECRET"] == nil)
    #expect(environment.values["PATH"] != nil)
    #expect(getenv("SALLYPORT_TEST_SECRET").map { String(cString: $0) } == "")
  }
}
