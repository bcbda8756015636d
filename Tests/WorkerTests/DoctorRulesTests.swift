import Foundation
import Observability
import OrderedCollections
import PlainData
import TLSClient
import TestSupport
import Testing

@testable import Worker

@Suite struct FileInspectionTests {
  private let folder: TemporaryFolder
  private let rules = FileRules(user: geteuid())

  init() throws { folder = try TemporaryFolder() }

  private func verdict(_ path: String, isSecret: Bool = true, mounts: Set<String> = []) -> FileRules.Verdict {
    rules.judge(FileInspection.inspect(path, mounts: mounts), isSecret: isSecret)
  }

  @Test func aPrivateFileIsFine() throws {
    let path = try folder.write("key", "k", mode: 0o600)
    let file = FileInspection.inspect(path, mounts: [])
    #expect(file.isRegular && file.modeText == "0600" && file.size == 1 && file.renewal == .ordinary)
    #expect(verdict(path) == FileRules.Verdict(status: .ok))
  }

  @Test func aMissingFileNamesTheVolume() {
    let found = verdict(folder.file("none"))
    #expect(found.status == .failed && found.reason?.contains("there is no file at") == true)
    #expect(found.advice?.contains("volume") == true)
  }

  @Test func whatIsNoFileIsRefusedAndDoesNotHang() throws {
    #expect(verdict(folder.path).reason?.contains("is no regular file") == true)
    #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
    #expect(verdict(folder.file("pipe")).reason?.contains("is no regular file") == true)
  }

  @Test func rightsThatOthersHaveAreNamed() throws {
    let readable = try folder.write("readable", "k", mode: 0o644)
    #expect(verdict(readable).status == .warning && verdict(readable).advice?.contains("chmod o-r") == true)
    #expect(verdict(readable, isSecret: false).status == .ok)
    let writable = try folder.write("writable", "k", mode: 0o666)
    #expect(verdict(writable, isSecret: false).status == .failed)
    #expect(verdict(writable, isSecret: false).advice == "chmod o-w it")
  }

  @Test func emptyAndHugeFilesAreNamedByTheirSize() throws {
    #expect(verdict(try folder.write("empty", "", mode: 0o600)).reason?.contains("has 0 bytes") == true)
    let huge = try folder.write("huge", String(repeating: "x", count: (1 << 20) + 1), mode: 0o600)
    #expect(verdict(huge).reason?.contains("has 1048577 bytes") == true)
  }

  @Test("R11 a file that is mounted by itself is warned of: a renewal never reaches it")
  func aFileMountedByItselfIsWarnedOf() throws {
    let path = try folder.write("tls.crt", "c", mode: 0o600)
    let found = verdict(path, mounts: [Folder.absolute(path)])
    #expect(found.status == .warning && found.reason?.contains("subPath") == true)
    #expect(found.advice?.contains("whole volume") == true)
  }

  @Test func aKubernetesVolumeIsKnownByItsLink() throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: folder.file("..v1"), withIntermediateDirectories: true)
    try folder.write("..v1/tls.crt", "c", mode: 0o600)
    try manager.createSymbolicLink(atPath: folder.file("..data"), withDestinationPath: "..v1")
    try manager.createSymbolicLink(atPath: folder.file("tls.crt"), withDestinationPath: "..data/tls.crt")
    let file = FileInspection.inspect(folder.file("tls.crt"), mounts: [])
    #expect(file.failure == nil && file.renewal == .volume)
    #expect(rules.judge(file, isSecret: true).status == .ok)
  }

  @Test func anotherUsersFileIsWarnedOf() throws {
    let file = FileInspection.inspect(try folder.write("key", "k", mode: 0o600), mounts: [])
    let found = FileRules(user: file.owner + 1).judge(
      {
        var other = file
        other.owner = 4_711
        return other
      }(), isSecret: true)
    #expect(found.status == .warning && found.reason?.contains("belongs to user 4711") == true)
  }

  @Test func theKernelsTableIsReadWithItsEscapes() {
    let table = MountTable(
      text: """
        22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
        30 22 0:5 / /with\\040space ro,nosuid shared:3 - tmpfs tmpfs rw
        broken
        """)
    #expect(table.mounts.count == 2)
    #expect(table.mounts[1] == MountTable.Mount(target: "/with space", kind: "tmpfs", isReadOnly: true))
    #expect(table.targets == ["/", "/with space"])
    #expect(MountTable.read().targets.contains("/"))
  }
}

@Suite struct ConfinementTests {
  private var pod: Confinement {
    Confinement(
      user: 65_532, group: 65_532, capabilities: 0, hasNoNewPrivileges: true, seccomp: 2, canWriteRoot: false,
      writable: ["/tmp"], coreLimit: 0, isDumpable: false, memoryLimit: 512 << 20, lockLimit: 8 << 20)
  }

  @Test func aHardenedPodIsFine() {
    let finding = pod.finding
    #expect(finding.status == .ok && finding.reason == nil)
    #expect(finding.seen[0] == "user 65532, group 65532, capabilities 0x0, no_new_privs yes, seccomp filter")
    #expect(finding.seen[1] == "root file system read-only, writable: /tmp")
    #expect(finding.seen[2] == "core dumps off, memory limit 512 MiB, lockable 8192 KiB")
  }

  @Test func everyGapNamesTheSettingThatClosesIt() {
    var open = pod
    (open.user, open.capabilities, open.hasNoNewPrivileges, open.seccomp, open.canWriteRoot) = (0, 0x3f, false, 0, true)
    let finding = open.finding
    #expect(finding.status == .warning)
    for setting in [
      "runAsNonRoot", "drop: [ALL]", "allowPrivilegeEscalation: false", "seccompProfile", "readOnlyRootFilesystem",
    ] { #expect(finding.advice?.contains(setting) == true) }
  }

  @Test func coreDumpsThatAreOnAreAFailure() {
    var leaky = pod
    leaky.isDumpable = true
    #expect(leaky.finding.status == .failed && leaky.finding.reason == "core dumps are on")
    leaky = pod
    leaky.coreLimit = nil
    #expect(leaky.finding.status == .failed)
  }

  @Test func whatIsUnknownIsCalledSo() {
    var unknown = pod
    (unknown.capabilities, unknown.hasNoNewPrivileges, unknown.seccomp, unknown.memoryLimit) = (nil, nil, nil, nil)
    #expect(unknown.finding.status == .ok)
    #expect(unknown.finding.facts["seccomp"]?.isNull == true)
    #expect(Confinement.read().user == geteuid())
  }
}

@Suite struct CertificateFindingTests {
  private let now = Timestamp(seconds: 1_000_000_000)
  private let day: Int64 = 86_400

  private func expiry(_ kind: CertificateExpiry.Kind, days: Int64) -> CertificateExpiry {
    CertificateExpiry(
      kind: kind, subject: "CN = \(kind.rawValue)", notBefore: 0, notAfter: now.seconds + days * day)
  }

  private func finding(_ expiries: [CertificateExpiry], isPrivate: Bool = true) -> DoctorReport.Finding {
    LiveDoctorProbes.finding(expiries, isPrivate: isPrivate, now: now)
  }

  @Test func longValidityIsFineAndShown() {
    let found = finding([expiry(.client, days: 90), expiry(.authority, days: 900)])
    #expect(found.status == .ok)
    #expect(found.seen.count == 2)
    #expect(found.seen.first == "client: CN = client, valid until 2001-12-08T01:46:40.000Z")
    #expect(found.seen.last == "authority: CN = authority, valid until 2004-02-26T01:46:40.000Z")
  }

  @Test func theFirstToEndWithinAMonthIsWarnedOf() {
    let found = finding([expiry(.client, days: 20), expiry(.issuer, days: 10), expiry(.authority, days: 900)])
    #expect(found.status == .warning && found.reason?.hasPrefix("the issuer certificate CN = issuer ends on") == true)
  }

  @Test func oneExpiredAuthorityOfTwoIsAWarningAndAllAreAFailure() {
    #expect(finding([expiry(.authority, days: -1), expiry(.authority, days: 400)]).status == .warning)
    let all = finding([expiry(.authority, days: -1), expiry(.authority, days: -400)])
    #expect(all.status == .failed && all.advice?.contains("TEMPORAL_TLS_CA") == true)
    #expect(all.advice?.contains("clock: 2001-09-09T01:46:40.000Z") == true)
  }

  @Test func theSystemsAuthoritiesAreCountedOnly() {
    let found = finding([expiry(.authority, days: -1), expiry(.authority, days: 400)], isPrivate: false)
    #expect(found.status == .ok && found.seen == ["2 authorities of the system"])
  }
}
